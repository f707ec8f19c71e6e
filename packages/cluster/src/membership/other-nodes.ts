/** The records of all nodes, as they were seen. */
import type { MembershipEvent } from './effects.ts'
import { livingIncarnation, type NodeRecord } from './record.ts'

export interface SeenRecord {
  readonly node: string
  /** Absent where the record was deleted, or is none. */
  readonly record: NodeRecord | undefined
  readonly revision: number
  /** When this revision was first seen. */
  readonly seenAt: number
}

export class SeenRecords {
  readonly #seen = new Map<string, SeenRecord>()

  /** Returns what happened to the node; nothing for a revision that is not new. */
  add(next: SeenRecord): readonly MembershipEvent[] | undefined {
    const former = this.#seen.get(next.node)
    if (former !== undefined && next.revision <= former.revision) return undefined
    this.#seen.set(next.node, next)
    return changes(former, next)
  }

  get(node: string): SeenRecord | undefined {
    return this.#seen.get(node)
  }

  all(): Iterable<SeenRecord> {
    return this.#seen.values()
  }

  living(): readonly { readonly node: string; readonly incarnation: number }[] {
    return [...this.#seen.values()].flatMap(({ node, record, revision }) => {
      const incarnation = livingIncarnation(record, revision)
      return incarnation === undefined ? [] : [{ node, incarnation }]
    })
  }
}

function changes(former: SeenRecord | undefined, { node, record, revision }: SeenRecord): readonly MembershipEvent[] {
  const before = former && livingIncarnation(former.record, former.revision)
  const after = livingIncarnation(record, revision)
  if (before === after) return []
  const events: MembershipEvent[] = []
  if (before !== undefined) {
    const by = record?.state === 'dead' && record.by !== undefined ? { by: record.by } : {}
    const hasLeft = record?.state === 'left' && record.incarnation === before
    events.push(
      hasLeft ? { type: 'left', node, incarnation: before } : { type: 'died', node, incarnation: before, ...by },
    )
  }
  if (after !== undefined) events.push({ type: 'joined', node, incarnation: after })
  return events
}
