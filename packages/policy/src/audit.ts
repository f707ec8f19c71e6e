/** The trail of decisions: publishes each as an event to subscribers, and logs denials. */
import { channel } from 'node:diagnostics_channel'
import type { EntryId } from '@troupe/core'

/** Name of the `diagnostics_channel` that publishes decisions as {@link AuditEvent}s, in the kernel's thread. */
export const decisionChannel = 'troupe:security:decision'

/** A decision. */
export interface AuditEvent {
  readonly actor: string | undefined
  readonly action: string
  readonly resource: string
  readonly verdict: 'allow' | 'deny'
  /** The policy that decided; none if no policy applied. */
  readonly policy: EntryId | undefined
  readonly reason: string
}

export interface AuditOptions {
  /** Writes log lines. */
  readonly log: (line: string) => void
  /** Returns the time in milliseconds. @default Date.now */
  readonly now?: () => number
}

/**
 * Maximum number of denials in a second that are logged one by one. The next line reports only the number of the
 * others.
 */
const maxLines = 10
const second = 1000
/** Longest part of a name that a log line shows, in characters. */
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

/** Puts a name on one line: names come from code that may try to forge log lines. */
function shown(text: string): string {
  const quoted = JSON.stringify(text.slice(0, maxShown)).slice(1, -1)
  return text.length > maxShown ? `${quoted}…` : quoted
}
