/**
 * The decisions of the policies as an operator follows them: one JSON document a line, so many a second, and as many as
 * the operator's program reads.
 */
import { startTimer, stopTimer, type Timer, unavailable } from '@troupe/core'
import type { AuditEvent, Security } from '@troupe/policy/kernel'
import { Readable } from 'node:stream'
import { redactedText } from '../log/redact.ts'

/** A decision, as operators see it. */
export interface FollowedDecision extends AuditEvent {
  /** Milliseconds since 1970. */
  readonly time: number
}

/** How many decisions were not shown, because there were too many in a second or the program reads too slowly. */
export interface SkippedDecisions {
  /** Milliseconds since 1970. */
  readonly time: number
  /** How many decisions were not shown. */
  readonly skipped: { readonly allow: number; readonly deny: number }
}

/** Maximum number of decisions that are shown in a second, for each verdict: those that allow do not hide denials. */
const mostInSecond = 100
const second = 1000
/** Maximum size of what the program has not read yet, in characters. */
const mostWaiting = 262_144
/** Longest part of a name that is shown, in characters. */
const longestName = 1024
/** Maximum number of programs that follow at a time. */
const mostFollowers = 8

let followers = 0

/**
 * Returns the decisions from now on, until the stream is destroyed.
 *
 * @param secrets - Values that are not shown.
 * @throws TroupeError `Unavailable` when too many programs follow already.
 */
export function decisionStream(security: Security, secrets: () => ReadonlySet<string>): Readable {
  if (followers >= mostFollowers)
    throw unavailable(`${mostFollowers} programs already follow the decisions of this application: end one of them`)
  const shown = { allow: 0, deny: 0 }
  const skipped = { allow: 0, deny: 0 }
  let timer: Timer | undefined
  const write = (line: FollowedDecision | SkippedDecisions) => {
    stream.push(`${JSON.stringify(line)}\n`)
  }
  const beginSecond = () => {
    stopTimer(timer)
    timer = undefined
    if (skipped.allow + skipped.deny > 0 && stream.readableLength < mostWaiting) {
      write({ time: Date.now(), skipped: { ...skipped } })
      skipped.allow = 0
      skipped.deny = 0
    }
    shown.allow = 0
    shown.deny = 0
    if (skipped.allow + skipped.deny > 0) timer = startTimer(beginSecond, second).unref()
  }
  const follower = security.follow((event) => {
    const { verdict } = event
    timer ??= startTimer(beginSecond, second).unref()
    if (shown[verdict] >= mostInSecond || stream.readableLength >= mostWaiting) skipped[verdict] += 1
    else {
      shown[verdict] += 1
      write({ time: Date.now(), ...shownEvent(event, secrets()) })
    }
  })
  const stream = new Readable({
    encoding: 'utf8',
    read: () => undefined,
    destroy: (error, done) => {
      follower[Symbol.dispose]()
      stopTimer(timer)
      followers -= 1
      done(error)
    },
  })
  followers += 1
  return stream
}

/** Names come from code, which may put a secret into one. */
function shownEvent(event: AuditEvent, secrets: ReadonlySet<string>): AuditEvent {
  const name = (text: string) => {
    const safe = redactedText(text, secrets)
    return safe.length > longestName ? `${safe.slice(0, longestName)}…` : safe
  }
  const { actor, action, resource, reason } = event
  return {
    ...event,
    actor: actor === undefined ? undefined : name(actor),
    action: name(action),
    resource: name(resource),
    reason: name(reason),
  }
}
