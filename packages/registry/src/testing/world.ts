/** A handler for tests: what runs is a map, and each step can be made to fail. */
import { type EntryId, unavailable } from '@troupe/core'
import type { Entry } from '../entries/entry.ts'
import type { KindChange, KindHandler, Prepared } from '../changes/change-handler.ts'
import type { Registry } from '../registry.ts'

export class World implements KindHandler {
  readonly running = new Map<EntryId, Entry>()
  readonly log: string[] = []
  /** From an id to the phase that fails for it. */
  readonly failing = new Map<string, 'prepare' | 'commit' | 'rollback'>()

  constructor(registry: Registry) {
    for (const entry of registry.entries()) this.running.set(entry.id, entry)
    registry.handle('*', this)
  }

  async prepare(change: KindChange): Promise<Prepared> {
    const { op, id, after } = change
    const say = (phase: 'prepare' | 'commit' | 'rollback' | 'settle') => {
      this.log.push(`${phase} ${op} ${id}`)
      if (this.failing.get(id) === phase) throw unavailable('it fails')
    }
    say('prepare')
    // The running state, not that of the registry: this is what a rollback must restore.
    const former = this.running.get(id)
    return {
      commit: async () => {
        this.#set(id, after)
        say('commit')
      },
      rollback: async () => {
        this.#set(id, former)
        say('rollback')
      },
      settle: async () => say('settle'),
    }
  }

  #set(id: EntryId, entry: Entry | undefined): void {
    if (entry) this.running.set(id, entry)
    else this.running.delete(id)
  }
}
