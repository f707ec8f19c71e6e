/** The trail of decisions: publishes each as an event to subscribers, and logs denials. */
import { channel } from 'node:diagnostics_channel'
import { type EntryId, type Log, startTimer, stopTimer, type Timer } from '@troupe/core'

/** Name of the `diagnostics_channel` that publishes decisions as {@link AuditEvent}s, in the kernel's thread. */
export const decisionChannel = 'troupe:security:decision'

/** An event of the channel `troupe:security:decision`, in the program's thread: a policy has decided. */
export interface AuditEvent {
  /** Id of the actor. */
  readonly actor: string | undefined
  /** What was to be done, such as `network.select`. */
  readonly action: string
  /** To what it was to be done. */
  readonly resource: string
  /** The decision. */
  readonly verdict: 'allow' | 'deny'
  /** The policy that decided; `undefined` if none applied, which denies. */
  readonly policy: EntryId | undefined
  /** Why, in words. */
  readonly reason: string
}

export interface AuditOptions {
  /** Writes log lines. */
  readonly log: Log
  /** Returns the time in milliseconds. @default Date.now */
  readonly now?: () => number
}

/**
 * Maximum number of denials in a second that are logged one by one, for each actor and for all: an actor that is denied
 * a lot does not hide what others are denied. A line after that second reports only the number of the others.
 */
const maxLines = 10
const maxLinesOfAll = 100
const second = 1000
/** Longest part of a name that a log line shows, in characters. */
const maxShown = 200

/** Maximum number of policies whose decisions are counted apart. */
const mostPolicies = 16_384

const decisions = channel(decisionChannel)

export class Audit {
  readonly #log: Log
  readonly #now: () => number
  readonly #lines = new Map<string | undefined, number>()
  #since = Number.NEGATIVE_INFINITY
  #linesOfAll = 0
  #unlogged = 0
  readonly #counts = new Map<EntryId | undefined, { allowed: number; denied: number }>([
    [undefined, { allowed: 0, denied: 0 }],
  ])
  readonly #followers = new Set<(event: AuditEvent) => void>()
  #timer: Timer | undefined

  constructor({ log, now = Date.now }: AuditOptions) {
    this.#log = log
    this.#now = now
  }

  /** Decisions since the start, by the policy that decided; `undefined`: no policy applied. */
  get counts(): ReadonlyMap<EntryId | undefined, { readonly allowed: number; readonly denied: number }> {
    return this.#counts
  }

  /** Calls `follower` for each decision, at once, until the result is disposed of. It must not throw. */
  follow(follower: (event: AuditEvent) => void): Disposable {
    const own = (event: AuditEvent) => {
      follower(event)
    }
    this.#followers.add(own)
    return { [Symbol.dispose]: () => void this.#followers.delete(own) }
  }

  allowed(actor: string, action: string, resource: string, policy: EntryId): void {
    this.#countOf(policy).allowed += 1
    if (!this.#isFollowed) return
    const reason = `the policy ${policy} allows it to ${actor}`
    this.#publish({ actor, action, resource, verdict: 'allow', policy, reason })
  }

  denied(
    actor: string | undefined,
    action: string,
    resource: string,
    policy: EntryId | undefined,
    reason: string,
  ): void {
    this.#countOf(policy).denied += 1
    if (this.#isFollowed) this.#publish({ actor, action, resource, verdict: 'deny', policy, reason })
    const now = this.#now()
    if (now - this.#since >= second) this.#begin(now)
    const lines = this.#lines.get(actor) ?? 0
    if (lines >= maxLines || this.#linesOfAll >= maxLinesOfAll) {
      this.#unlogged += 1
      // No code may be denied anything after that.
      this.#timer ??= startTimer(() => {
        this.#begin(this.#now())
      }, second).unref()
      return
    }
    this.#lines.set(actor, lines + 1)
    this.#linesOfAll += 1
    this.#log(`denied: ${shown(action)} of ${shown(resource)}: ${shown(reason)}`, {
      level: 'warn',
      actor,
      fields: { action: shown(action), resource: shown(resource), policy },
    })
  }

  get #isFollowed(): boolean {
    return decisions.hasSubscribers || this.#followers.size > 0
  }

  #publish(event: AuditEvent): void {
    decisions.publish(event)
    for (const follower of this.#followers) follower(event)
  }

  #countOf(policy: EntryId | undefined): { allowed: number; denied: number } {
    const known = this.#counts.get(policy)
    if (known !== undefined) return known
    const counts = { allowed: 0, denied: 0 }
    // Scopes may name policies that do not exist.
    if (this.#counts.size >= mostPolicies) return this.#counts.get(undefined) ?? counts
    this.#counts.set(policy, counts)
    return counts
  }

  #begin(now: number): void {
    if (this.#unlogged > 0) this.#log(`denied: ${this.#unlogged} more that are not shown`, { level: 'warn' })
    this.#since = now
    this.#lines.clear()
    this.#linesOfAll = 0
    this.#unlogged = 0
    stopTimer(this.#timer)
    this.#timer = undefined
  }
}

/** Puts a name on one line: names come from code that may try to forge log lines. */
function shown(text: string): string {
  const quoted = JSON.stringify(text.slice(0, maxShown)).slice(1, -1)
  return text.length > maxShown ? `${quoted}…` : quoted
}
