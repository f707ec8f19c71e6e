/** Finds the handler of a change by the kind of its entry. */
import type { EntryChange } from './change.ts'
import type { Entries } from '../entries/entries.ts'
import { kindMatches } from '../entries/entry.ts'
import type { KindHandler } from './change-handler.ts'
import type { Step } from './transaction.ts'

export class HandlersByKind {
  readonly #handlers: { readonly kind: string; readonly handler: KindHandler }[] = []

  add(kind: string, handler: KindHandler): void {
    this.#handlers.push({ kind, handler })
  }

  /**
   * The steps of `changes`. If the new kind of an entry has another handler, the old handler deletes the entry and the
   * new one creates it.
   */
  steps(changes: readonly EntryChange[], entries: Entries): readonly Step[] {
    return changes.flatMap((change) => {
      const was = change.before && this.#of(change.before.kind)
      const will = change.after && this.#of(change.after.kind)
      if (was === will || change.op !== 'update') return step(will ?? was, change, entries)
      const { id, before, after } = change
      return [...step(was, { op: 'delete', id, before }, entries), ...step(will, { op: 'create', id, after }, entries)]
    })
  }

  #of(kind: string): KindHandler | undefined {
    return this.#handlers.find((known) => kindMatches(kind, known.kind))?.handler
  }
}

function step(handler: KindHandler | undefined, change: EntryChange, entries: Entries): readonly Step[] {
  return handler === undefined ? [] : [{ handler, change: { ...change, entries } }]
}
