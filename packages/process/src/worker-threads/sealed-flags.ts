/** How the threads of sealed hosts are started. */
import { readdirSync } from 'node:fs'

/** Whether this Node can start a thread without network permission. */
export function canSeal(): boolean {
  return process.allowedNodeEnvironmentFlags.has('--allow-net')
}

/** Why it can not. */
export const cannotSeal = `sealed threads need Node 26, whose permission model covers the network: this is ${process.version}`

/**
 * Where the process shows itself and its devices: its memory, and in it everybody's secrets; its environment; everybody's descriptors.
 * The permission model looks at paths, not at what is behind them.
 */
const notForReading: ReadonlySet<string> = new Set(['proc', 'sys', 'dev'])

let flags: readonly string[] | undefined

/**
 * Flags of a thread that can open nothing: it may read files, and nothing else. It may not write any, for what it wrote could be code that
 * other threads run: a module, or what Node compiled of one.
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
