/**
 * The errors of requests to a SAM bridge. They name the overlay and the target. The bridge's address, its login,
 * session ids and keys are never included. So a lower layer's error, whose message may contain them, is never the
 * cause.
 */
import { type EntryId, type ErrorKind, formatDuration, TroupeError } from '@troupe/core'
import { explain, type Reply } from './reply.ts'

/** The stage of an exchange with the bridge. */
export type Stage = 'connect' | 'hello' | 'key' | 'session' | 'request' | 'held' | 'stream'

/** A field of the entry that limits a stage. */
export type Limit = 'connect_timeout' | 'session_timeout' | 'dial_timeout' | 'first_byte_timeout'

/** The part of the message that names the stage. */
const during: Readonly<Record<Stage, string>> = {
  connect: 'while connecting to the SAM bridge',
  hello: 'before the SAM bridge greeted',
  key: 'before the router made a key',
  session: 'before the router had made a session',
  request: 'before the router answered',
  held: 'that was held',
  stream: 'before the first byte came',
}

export class Failures {
  readonly #overlay: EntryId
  readonly #asked: string
  readonly #target: string | undefined

  /**
   * @param asked - What was requested: `a connection to example.i2p:80`.
   * @param target - `host:port`, where there is one.
   */
  constructor(overlay: EntryId, asked: string, target?: string) {
    this.#overlay = overlay
    this.#asked = asked
    this.#target = target
  }

  canceled(): TroupeError {
    return this.#failure('Canceled', 'was canceled', {})
  }

  /** The caller's timeout. @param last - The result of the last attempt, where there were several. */
  timedOut(ms: number, stage: Stage, last?: TroupeError): TroupeError {
    const why = last ? `: ${last.message.split(' failed: ').at(-1)}` : ` (${during[stage]})`
    return this.#failure('Timeout', `took longer than ${ms} ms${why}`, { stage, timeout: ms })
  }

  late(limit: Limit, ms: number, stage: Stage): TroupeError {
    const who = stage === 'stream' ? 'nothing came' : 'the SAM bridge kept silent'
    return this.#failure('Timeout', `failed: ${who} for ${formatDuration(ms)} ${during[stage]} (${limit})`, {
      stage,
      limit,
      timeout: ms,
    })
  }

  unreachable(code: string): TroupeError {
    const advice = "is the router running, with SAM enabled, and are the entry's host and port right?"
    return this.#unavailable(`the SAM bridge cannot be reached (${code}): ${advice}`, { stage: 'connect', code })
  }

  closed(stage: Stage, code: string): TroupeError {
    const advice =
      stage === 'hello' ? ': does it want a username and password, or are host and port those of something else?' : ''
    return this.#unavailable(`the SAM bridge closed the connection ${during[stage]} (${code})${advice}`, {
      stage,
      code,
    })
  }

  /** The peer is not a SAM bridge. */
  alien(stage: Stage): TroupeError {
    const text =
      stage === 'hello'
        ? "the entry's host and port answer, but not in SAM: are they those of the bridge?"
        : `the SAM bridge sent data that is not SAM ${during[stage]}`
    return this.#unavailable(text, { stage })
  }

  /** The bridge replied with an error. */
  refused({ result, values }: Pick<Reply, 'result' | 'values'>, stage: Stage): TroupeError {
    const { words, ofTarget, code } = explain(result)
    const message = values.get('MESSAGE')
    const text = `the router answered ${result || 'nothing'}, ${words}${message ? ` (${message})` : ''}`
    const reply = ofTarget && stage === 'request' ? { replyCode: result, reply: words } : { result }
    return this.#unavailable(text, { stage, code, ...reply })
  }

  /** A reply whose content is impossible. */
  useless(what: string, stage: Stage): TroupeError {
    return this.#unavailable(what, { stage })
  }

  unsupported(why: string): TroupeError {
    return this.#failure('Invalid', `is not supported: ${why}`, {})
  }

  #unavailable(why: string, details: Readonly<Record<string, unknown>>): TroupeError {
    return this.#failure('Unavailable', `failed: ${why}`, details)
  }

  #failure(kind: ErrorKind, what: string, details: Readonly<Record<string, unknown>>): TroupeError {
    return new TroupeError(kind, `${this.#asked} through overlay ${this.#overlay} ${what}`, {
      details: { overlay: this.#overlay, ...(this.#target !== undefined && { target: this.#target }), ...details },
    })
  }
}

/** Errors of Troupe are kept; any other error is a fault in this code. */
export function asError(thrown: unknown): TroupeError {
  return thrown instanceof TroupeError ? thrown : new TroupeError('Internal', String(thrown), { cause: thrown })
}
