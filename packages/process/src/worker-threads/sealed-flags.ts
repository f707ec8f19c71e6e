/** The flags with which threads of sealed hosts are started. */
import { readdirSync } from 'node:fs'

/** Whether this Node can start a thread without network permission. */
export function canSeal(): boolean {
  return process.allowedNodeEnvironmentFlags.has('--allow-net')
}

/** Why this Node cannot start one. */
export const cannotSeal = `sealed threads need Node 26 and its network permissions: this is ${process.version}`

/**
 * Here the operating system exposes the process and its devices: its memory with the secrets of all its code, its
 * environment, and all its descriptors. The permission model checks paths, not the objects behind them.
 */
const notForReading: ReadonlySet<string> = new Set(['proc', 'sys', 'dev'])

let flags: readonly string[] | undefined

/**
 * Flags of a thread that can open nothing: it may read files, and nothing else. It may not write any, because a written
 * file could be code that other threads run: a module, or Node's compiled form of one.
 */
export function sealedFlags(): readonly string[] {
  flags ??= ['--permission', ...readable().map((path) => `--allow-fs-read=${path}`)]
  return flags
}

function readable(): readonly string[] {
  if (process.platform !== 'linux') return ['*']
  const roots = readdirSync('/').filter((name) => !notForReading.has(name))
  // Node looks for these in each folder above a module.
  return [...new Set([...roots, 'package.json', 'node_modules'])].map((name) => `/${name}`)
}
