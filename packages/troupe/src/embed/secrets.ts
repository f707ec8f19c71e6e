/** Secrets in the fields of entries that a program defines: they become variables, which no entry contains. */
import { type EntryId, isSecretName } from '@troupe/core'
import type { WrittenEntry } from '@troupe/registry'
import { reservedId } from './names.ts'

/** Takes secrets out of fields. */
export class Secrets {
  /** Values, by the ids of their variables. */
  readonly values: Record<string, string> = {}
  readonly #storage: EntryId

  /** @param storage - Id of the storage of the variables. */
  constructor(storage: EntryId = reservedId('secrets')) {
    this.#storage = storage
  }

  /** The entries of the variables. */
  entries(): readonly WrittenEntry[] {
    const ids = Object.keys(this.values)
    if (ids.length === 0) return []
    const storage = this.#storage
    return [
      { id: storage, kind: 'env.storage.memory' },
      ...ids.map((id) => ({ id, kind: 'env.variable', storage, variable: id, secret: true })),
    ]
  }

  /** Returns a placeholder for `value`. */
  hide(name: string, value: string): string {
    const id = reservedId(name)
    this.values[id] = value
    return `\${env:${id}}`
  }

  /** Returns `fields`, where placeholders replace the texts of fields with the name of a secret. */
  without(fields: unknown, name: string): unknown {
    if (Array.isArray(fields)) return fields.map((field: unknown, index) => this.without(field, `${name}.${index}`))
    if (typeof fields !== 'object' || fields === null || Object.getPrototypeOf(fields) !== Object.prototype)
      return fields
    return Object.fromEntries(
      Object.entries(fields).map(([key, value]: [string, unknown]) => {
        const isSecret = isSecretName(key) && typeof value === 'string' && value !== '' && !value.includes('${')
        return [key, isSecret ? this.hide(`${name}.${key}`, value) : this.without(value, `${name}.${key}`)]
      }),
    )
  }
}
