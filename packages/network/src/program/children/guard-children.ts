/**
 * Puts the decision about children below all of Node's own code: at the native functions by which it starts programs.
 * Whatever function code uses, and whenever it saved it, the child is decided here.
 */
import { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { internals, property, unsupported } from '../../sockets/internals.ts'
import { type Callable, isCallable } from '../../guard/node/patch.ts'
import { withDescriptors } from '../descriptors.ts'
import { withPreload } from '../options-text.ts'
import type { ProgramPlan } from '../plan.ts'
import { type ChildRequest, type ChildRules, noProgram, planChild } from './plan-child.ts'

const notAllowed = -constants.errno.EACCES

/**
 * Call it before the guard is installed.
 *
 * @throws TroupeError `Internal` in a version of Node without these functions.
 */
export function guardChildren(plan: ProgramPlan): void {
  const binding = nativeModule('spawn_sync')
  const spawnSync: unknown = property(binding, 'spawn')
  const prototype: unknown = Object.getPrototypeOf(property(new ChildProcess(), '_handle'))
  const spawn: unknown = property(prototype, 'spawn')
  if (!isCallable(spawnSync) || typeof binding !== 'object' || binding === null)
    throw unsupported('spawn_sync has no spawn')
  if (!isCallable(spawn) || typeof prototype !== 'object' || prototype === null)
    throw unsupported('ChildProcess has no native spawn')
  const run: Callable = (options) => Reflect.apply(spawnSync, binding, [options])
  const rules: ChildRules = { overlay: plan.overlay, native: plan.native, run }
  const { owner } = internals()

  Reflect.set(prototype, 'spawn', function guarded(this: object, ...args: readonly unknown[]): unknown {
    const [file, argv, folder, envPairs, stdio, ...rest] = args
    if (typeof file !== 'string' || !Array.isArray(stdio)) throw unsupported('the native spawn has other arguments')
    let child: ChildRequest
    try {
      child = planChild(requestOf(file, argv, folder, envPairs), rules)
    } catch (error) {
      emitInstead(property(this, owner), error)
      // A start that fails leaves pipes as Node expects them.
      return Reflect.apply(spawn, this, [noProgram, [noProgram], undefined, envPairs, stdio, ...rest])
    }
    const own = [child.file, child.args, folder, pairsOf(child), withDescriptors(stdio, plan.report), ...rest]
    return Reflect.apply(spawn, this, own)
  })

  Reflect.set(binding, 'spawn', (options: unknown): unknown => {
    const [file, stdio] = [property(options, 'file'), property(options, 'stdio')]
    if (typeof file !== 'string' || !Array.isArray(stdio)) throw unsupported('the native spawnSync has other arguments')
    const request = requestOf(file, property(options, 'args'), property(options, 'cwd'), property(options, 'envPairs'))
    let child: ChildRequest
    try {
      child = planChild(request, rules)
    } catch (error) {
      return refusedResult(error)
    }
    const result = run({
      ...Object(options),
      file: child.file,
      args: child.args,
      envPairs: pairsOf(child),
      stdio: withDescriptors(stdio, plan.report),
    })
    const output: unknown = property(result, 'output')
    if (Array.isArray(output)) output.length = stdio.length
    return result
  })
}

/** The result of a start that fails. Node makes an error of its own of the number: the refusal stays in its place. */
function refusedResult(refusal: unknown): object {
  if (!(refusal instanceof Error)) throw refusal
  let error: unknown = notAllowed
  const set = () => {
    error = Object.assign(refusal, { errno: notAllowed, syscall: 'spawnSync' })
  }
  const result = { pid: 0, status: null, signal: null, output: null }
  return Object.defineProperty(result, 'error', { get: () => error, set, enumerable: true, configurable: true })
}

/** The modules of Node's own code; the guard refuses this function to the program. */
function nativeModule(name: string): unknown {
  const binding: unknown = Reflect.get(process, 'binding')
  if (!isCallable(binding)) throw unsupported('process has no binding')
  const emitWarning: unknown = Reflect.get(process, 'emitWarning')
  process.emitWarning = () => {}
  try {
    return Reflect.apply(binding, process, [name])
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning)
  }
}

function requestOf(file: string, argv: unknown, folder: unknown, envPairs: unknown): ChildRequest {
  const args: readonly unknown[] = Array.isArray(argv) ? argv : []
  return {
    file,
    args: args.map(String),
    folder: typeof folder === 'string' ? folder : process.cwd(),
    env: environmentOf(envPairs),
  }
}

/** Without an environment of its own, a child gets that of the process. */
function environmentOf(envPairs: unknown): ReadonlyMap<string, string> {
  const pairs: readonly unknown[] = Array.isArray(envPairs)
    ? envPairs
    : Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`)
  return new Map(
    pairs.map((pair) => {
      const text = String(pair)
      const at = text.indexOf('=')
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

function pairsOf({ env }: ChildRequest): readonly string[] {
  const own = new Map(env).set('NODE_OPTIONS', withPreload(env.get('NODE_OPTIONS')))
  return Array.from(own, ([name, value]) => `${name}=${value}`)
}

/** Node makes an error of its own of a failed start: the child emits the refusal in its place. */
function emitInstead(child: unknown, refusal: unknown): void {
  if (!(child instanceof ChildProcess) || !(refusal instanceof Error)) throw refusal
  const original: unknown = Reflect.get(child, 'emit')
  const emit = (...args: readonly unknown[]) => (isCallable(original) ? Reflect.apply(original, child, args) : false)
  const value = (name: string, ...args: readonly unknown[]) => {
    if (name !== 'error') return emit(name, ...args)
    Reflect.deleteProperty(child, 'emit')
    const { spawnfile: path, spawnargs } = child
    return emit(name, Object.assign(refusal, { errno: notAllowed, syscall: `spawn ${path}`, path, spawnargs }))
  }
  Object.defineProperty(child, 'emit', { value, configurable: true, writable: true })
}
