/** Loads the method that a process or a function runs. */
import { invalid, namespaceOf, notFound, TroupeError } from '@troupe/core'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Program } from '../protocol/programs.ts'
import { telemetryReady } from '../telemetry/telemetry.ts'
import { lookLater } from './builtins.ts'
import { reportLoad } from './load-log.ts'
import { loadInTime } from './load-timeout.ts'
import { carryVersions } from './versions.ts'

export type Method = (...args: readonly unknown[]) => unknown

/** Loaded methods, by program: later processes of the same program in this thread start at once. */
const loaded = new WeakMap<Program, Method>()

/** The method of a program that this thread has run before. */
export function loadedMethod(program: Program): Method | undefined {
  return loaded.get(program)
}

/**
 * Returns the exported function that `program` names.
 *
 * @throws TroupeError `NotFound` for a missing module or export; `Invalid` for an export that is not a function. Errors
 * of the module itself while it loads are passed through.
 */
export async function loadMethod(program: Program): Promise<Method> {
  const ready = namespaceOf(program.entry) === 'troupe' ? undefined : telemetryReady()
  if (ready !== undefined) await ready
  carryVersions(program.module)
  const module = await loadInTime(program, importModule(program), reportLoad)
  lookLater()
  const method: unknown = module[program.method]
  if (isMethod(method)) {
    loaded.set(program, method)
    return method
  }
  const exported = Object.keys(module).join(', ') || 'nothing'
  if (method === undefined)
    throw notFound(
      `${program.entry}: module ${program.module} exports no "${program.method}" (it exports ${exported})`,
      {
        entry: program.entry,
      },
    )
  throw invalid(`${program.entry}: "${program.method}" of ${program.module} is not a function`, {
    entry: program.entry,
  })
}

async function importModule(program: Program): Promise<Record<string, unknown>> {
  try {
    const module: unknown = await import(program.module)
    return isModule(module) ? module : {}
  } catch (cause) {
    if (isMissing(cause, program.module))
      throw new TroupeError(
        'NotFound',
        `${program.entry}: there is no module ${program.module}${hint(program.module)}`,
        {
          cause,
        },
      )
    if (cause instanceof SyntaxError) cause.message = withPlace(cause)
    throw cause
  }
}

/** Names the file that was probably meant: Node wants whole names, and those of the sources. */
function hint(module: string): string {
  if (!module.startsWith('file:')) return ''
  const stem = fileURLToPath(module).replace(/\.[cm]?js$/, '')
  const ending = ['.ts', '.js', '.mts', '.mjs', '/index.ts', '/index.js'].find((each) => existsSync(stem + each))
  return ending === undefined ? '' : `; did you mean "${basename(stem)}${ending}"?`
}

/**
 * For a module with a syntax error, Node names the place only above the stack: `file:line`, then the line, sometimes
 * with others before it, and usually a mark under it.
 */
function withPlace({ message, stack = '' }: SyntaxError): string {
  const [, file, line, excerpt = ''] =
    /^(?:file:\/\/)?(\/[^\n]*?)(?:\?v=\d+)?:(\d+)\n([^]*?)\n\w*Error\b/.exec(stack) ?? []
  if (file === undefined || message.includes(file)) return message
  const [, text = '', mark] = /([^\n]*)\n( *)\^/.exec(excerpt) ?? []
  const column = mark === undefined ? '' : `:${Math.min(mark.length, text.length) + 1}`
  return `${file}:${line}${column}: ${message}`
}

function isModule(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function'
}

function isMissing(error: unknown, url: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    'url' in error &&
    error.url === url
  )
}
