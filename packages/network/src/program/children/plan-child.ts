/**
 * Decides about a child before it starts. A Node program gets the preload. A command of a shell is run by Troupe's own
 * shell, which is a Node program. Other programs are refused, unless the caller said that they open no sockets.
 */
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { EntryId } from '@troupe/core'
import { deniedIn } from '../../guard/errors.ts'
import type { Callable } from '../../guard/node/patch.ts'
import { parseCommands, UnsupportedSyntax } from '../shell/parse.ts'
import { soleProgram } from '../shell/sole-program.ts'
import { preloadPath, shellPath } from '../paths.ts'
import { shimCommand } from './command-shim.ts'
import { findProgram, interpreterOf } from './find-program.ts'
import { isNode, refusedOption } from './node-program.ts'

/** A child, as the caller wants to start it. */
export interface ChildRequest {
  readonly file: string
  /** With the program's own name first. */
  readonly args: readonly string[]
  readonly folder: string
  readonly env: ReadonlyMap<string, string>
}

/** What may be started, and who decides. */
export interface ChildRules {
  readonly overlay: EntryId
  /** Programs that open no sockets, by name or absolute path. */
  readonly native: readonly string[]
  /** Node's own native `spawnSync`. */
  readonly run: Callable
}

const shells = /^(?:sh|bash|dash|ash|zsh|ksh)$/
/** A path at which nothing is. */
export const noProgram = `${preloadPath}-no-program`
const mostInterpreters = 5
const sayNative = (name: string) =>
  /^node(?:js)?$/.test(name)
    ? 'It is no Node of version 24 or later'
    : `Node programs may be started. If it opens no sockets, name it: troupe exec --native ${name}`

/**
 * Returns the child to start in place of the requested one. Where there is no such program, the system finds none.
 *
 * @throws TroupeError `PermissionDenied` that names the program.
 */
export function planChild(request: ChildRequest, rules: ChildRules, depth = 0): ChildRequest {
  const { file, args, folder, env } = request
  const found = findProgram(file, folder, env.get('PATH'))
  // The system's own search must not find what this one did not.
  if (found === undefined) return { ...request, file: noProgram }
  if (depth > mostInterpreters)
    throw deniedIn(rules.overlay, `the script ${found}`, 'Its interpreters lead in a circle')
  const name = basename(found)
  if (isNode(found, rules.run)) return checkedNode({ ...request, file: found }, rules)
  if (isTrusted(found, name, rules)) return { ...request, file: found }
  const interpreter = interpreterOf(found)
  if (interpreter !== undefined) {
    const script = file.includes('/') ? file : found
    return planChild(byInterpreter(request, script, interpreter), rules, depth + 1)
  }
  if (name === 'env') return planChild(byEnv(request, rules), rules, depth + 1)
  if (shells.test(name)) return byShell({ ...request, args: args.length === 0 ? [file] : args }, rules, depth)
  throw deniedIn(rules.overlay, `the program ${name} (${found})`, sayNative(name))
}

function isTrusted(found: string, name: string, { native }: ChildRules): boolean {
  return native.includes(name) || native.includes(found)
}

function checkedNode(request: ChildRequest, { overlay }: ChildRules): ChildRequest {
  const refused = refusedOption(request.args.slice(1)) ?? refusedOption(splitOptions(request.env))
  if (refused === undefined) return request
  throw deniedIn(overlay, `node ${refused.option}`, refused.why)
}

function splitOptions(env: ReadonlyMap<string, string>): readonly string[] {
  return (env.get('NODE_OPTIONS') ?? '').split(/\s+/).filter((word) => word !== '')
}

function byInterpreter(request: ChildRequest, script: string, [file, argument]: readonly [string, string?]) {
  const own = argument === undefined ? [] : [argument]
  return { ...request, file, args: [file, ...own, script, ...request.args.slice(1)] }
}

/** `env`, as first lines of scripts use it: with `-S`, and with variables. */
function byEnv(request: ChildRequest, { overlay }: ChildRules): ChildRequest {
  const [, ...given] = request.args
  const words = envWords(given)
  const env = new Map(request.env)
  let at = 0
  for (; at < words.length; at += 1) {
    const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(words[at] ?? '') ?? []
    if (name === undefined) break
    env.set(name, value)
  }
  const [file, ...args] = words.slice(at)
  if (file === undefined || file.startsWith('-'))
    throw deniedIn(overlay, `the program env with ${file ?? 'no program'}`, sayNative('env'))
  return { ...request, file, args: [file, ...args], env }
}

/** The words after `env`: `-S 'A=1 node' x` and `'-SA=1 node' x` are the same. */
function envWords([first, second = '', ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return []
  if (first === '-S') return [...splitWords(second), ...rest]
  const given = second === '' && rest.length === 0 ? [] : [second, ...rest]
  return first.startsWith('-S') ? [...splitWords(first.slice(2)), ...given] : [first, ...given]
}

function splitWords(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

/** A command of one program starts that program; more are run by Troupe's own shell. */
function byShell(request: ChildRequest, rules: ChildRules, depth: number): ChildRequest {
  const { overlay } = rules
  const name = basename(request.file)
  const { text, parameters } = commandOf(request, rules)
  try {
    const list = parseCommands(text)
    const sole = soleProgram(list, { env: request.env, parameters, folder: request.folder })
    if (sole !== undefined) return planChild({ ...request, ...sole }, rules, depth + 1)
  } catch (error) {
    if (!(error instanceof UnsupportedSyntax)) throw error
    throw deniedIn(
      overlay,
      `a command of ${name} with ${error.message}`,
      `Write it as a Node program, or allow the shell, which then starts anything: troupe exec --native ${name}`,
    )
  }
  const args = [process.execPath, shellPath, '-c', text, ...parameters]
  return { ...request, file: process.execPath, args }
}

/** Letters of options: `l` changes nothing here; `e` and `u` are those of `set`. */
const letters = /^-[leuc]+$/

function commandOf({ args, folder, env }: ChildRequest, { overlay }: ChildRules) {
  const [name = 'sh', first, ...others] = args
  const given = first !== undefined && letters.test(first) ? first : ''
  const [text, ...rest] = given === '' ? args.slice(1) : others
  const set = given.replaceAll(/[^eu]/g, '')
  const before = set === '' ? '' : `set -${set}\n`
  if (given.includes('c')) return { text: `${before}${text ?? ''}`, parameters: rest.length === 0 ? [name] : rest }
  if (text !== undefined && !text.startsWith('-')) {
    const script = readFileSync(resolve(folder, text), 'utf8')
    return { text: shimCommand(script, text, env) ?? `${before}${script}`, parameters: [text, ...rest] }
  }
  throw deniedIn(
    overlay,
    `the shell ${basename(name)} ${text ?? 'that reads its commands from its input'}`,
    `Give it a command (-c), or allow it: troupe exec --native ${basename(name)}`,
  )
}
