/** The trail of decisions: each as an event for whoever subscribed, denials in the log as well. */
import { channel } from 'node:diagnostics_channel'
import type { EntryId } from '@troupe/core'

/** Name of the `diagnostics_channel` that decisions are published on, as {@link AuditEvent}s, in the kernel's thread. */
export const decisionChannel = 'troupe:security:decision'

/** A decision. */
export interface AuditEvent {
  readonly actor: string | undefined
  readonly action: string
  readonly resource: string
  readonly verdict: 'allow' | 'deny'
  /** The policy that decided; none when none said anything. */
  readonly policy: EntryId | undefined
  readonly reason: string
}

export interface AuditOptions {
  /** Takes log lines. */
  readonly log: (line: string) => void
  /** Milliseconds of a clock. @default Date.now */
  readonly now?: () => number
}

/** Denials that are logged one by one in a second; of more only their number is told, with the next line. */
const maxLines = 10
const second = 1000
/** Longest part of a name that a log line shows. */
const maxShown = 200

const decisions = channel(decisionChannel)

export class Audit {
  readonly #log: (line: string) => void
  readonly #now: () => number
  #since = Number.NEGATIVE_INFINITY
  #lines = 0
  #unlogged = 0

  constructor({ log, now = Date.now }: AuditOptions) {
    this.#log = log
    this.#now = now
  }

  allowed(actor: string, action: string, resource: string, policy: EntryId): void {
    if (!decisions.hasSubscribers) return
    publish({ actor, action, resource, verdict: 'allow', policy, reason: `the policy ${policy} allows it to ${actor}` })
  }

  denied(actor: string | undefined, action: string, resource: string, policy: EntryId | undefined, reason: string): void {
    if (decisions.hasSubscribers) publish({ actor, action, resource, verdict: 'deny', policy, reason })
    const now = this.#now()
    if (now - this.#since >= second) this.#begin(now)
    if (this.#lines >= maxLines) {
      this.#unlogged += 1
      return
    }
    this.#lines += 1
    this.#log(`denied: ${shown(action)} of ${shown(resource)}: ${shown(reason)}`)
  }

  #begin(now: number): void {
    if (this.#unlogged > 0) this.#log(`denied: ${this.#unlogged} more that are not shown`)
    this.#since = now
    this.#lines = 0
    this.#unlogged = 0
  }
}

function publish(event: AuditEvent): void {
  decisions.publish(event)
}

/** On one line, whatever it holds: names come from code that may want to write log lines of its own. */
function shown(text: string): string {
  const quoted = JSON.stringify(text.slice(0, maxShown)).slice(1, -1)
  return text.length > maxShown ? `${quoted}…` : quoted
}
