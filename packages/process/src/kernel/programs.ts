/** The programs of process entries, decoded once per state of an entry and version of its code. */
import type { EntryId } from '@troupe/core'
import type { Entry, Registry } from '@troupe/registry'
import { processKind } from '../config/kinds.ts'
import type { KnownProgram } from '../protocol/programs.ts'
import type { Code } from './code.ts'

export class Programs {
  readonly #registry: Registry
  readonly #code: Code
  readonly #known = new WeakMap<Entry, { readonly version: number; readonly program: KnownProgram }>()

  constructor(registry: Registry, code: Code) {
    this.#registry = registry
    this.#code = code
  }

  /** @throws TroupeError `NotFound` for an unknown entry; `Invalid` for one that is not a program, or is malformed. */
  of(id: EntryId): KnownProgram {
    const entry = this.#registry.get(id)
    const version = this.#code.versionOf(id)
    const known = this.#known.get(entry)
    if (known?.version === version) return known.program
    const { fields, meta } = this.#registry.decode(id, processKind)
    const program = { entry: id, module: this.#code.url(id, fields.source), method: fields.method }
    const pin = meta.options?.network
    const decoded = { program, pin, accepts: fields.accepts ?? (pin === null ? ('any' as const) : []) }
    this.#known.set(entry, { version, program: decoded })
    return decoded
  }
}
