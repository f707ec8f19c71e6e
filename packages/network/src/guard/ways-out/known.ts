/**
 * The table of everything that Node 24.21 and 26.10 offer: each export of a builtin module, global, property of
 * `process`, and member of a class or object among them is `refused`, `routed` or `harmless`. Values other than
 * functions and objects reach nothing and are not listed. Builtins of the language, and second names of the same
 * object, are not listed either.
 */
import { data } from './known-data.ts'
import { globals } from './known-globals.ts'
import { network } from './known-network.ts'
import { program } from './known-process.ts'
import { refusedWays } from './refused.ts'
import type { KnownNames } from './way.ts'

export type Classification = 'harmless' | 'routed' | 'refused'

export const knownNames: Readonly<Record<string, KnownNames>> = { ...network, ...program, ...globals, ...data }

const table = new Map<string, Classification>()
for (const [module, { routed = {}, harmless }] of Object.entries(knownNames)) {
  for (const name of harmless.split(' ')) table.set(`${module} ${name}`, 'harmless')
  for (const names of Object.values(routed))
    for (const name of names.split(' ')) table.set(`${module} ${name}`, 'routed')
}
for (const { module, names } of refusedWays)
  for (const name of names.split(' ')) table.set(`${module} ${name}`, 'refused')

/** Returns the classification of a name of a module; `undefined` for an unknown one. */
export function classify(module: string, name: string): Classification | undefined {
  const own = table.get(`${module} ${name}`)
  if (own !== undefined) return own
  for (let path = name; ; path = path.slice(0, path.lastIndexOf('.'))) {
    const whole = table.get(`${module} ${path}.*`)
    if (whole !== undefined || !path.includes('.')) return whole
  }
}
