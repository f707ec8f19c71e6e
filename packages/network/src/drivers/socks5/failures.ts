/**
 * The errors of one dial. They name the overlay and the target; the proxy's address, the login and whatever else is in the
 * route stay out, so a lower layer's error, whose message holds them, is never the cause.
 */
import { type EntryId, type ErrorKind, TroupeError } from '@troupe/core'
import type { Target } from '../../overlay.ts'
import { formatTarget } from './destination.ts'
import { readTranscript, replyWords, type Stage } from './transcript.ts'

const commandNotSupported = 7

export class Failures {
  readonly #overlay: EntryId
  readonly #target: string

  constructor(overlay: EntryId, target: Target) {
    this.#overlay = overlay
    this.#target = formatTarget(target)
  }

  canceled(): TroupeError {
    return this.#error('Canceled', 'was canceled', {})
  }

  timedOut(ms: number, heard: readonly number[] | undefined): TroupeError {
    const stage = stageOf(heard)
    return this.#error('Timeout', `took longer than ${ms} ms (${during[stage]})`, { stage, timeout: ms })
  }

  /** No TCP connection to the proxy, or it broke in the middle of the handshake. */
  broken(code: string, heard: readonly number[] | undefined): TroupeError {
    if (heard !== undefined) return this.#told(heard) ?? this.#closed(heard, code)
    const advice = "is it running, and are the entry's host and port right?"
    return this.#unavailable(`the proxy cannot be reached (${code}): ${advice}`, { stage: 'connect', code })
  }

  closed(heard: readonly number[]): TroupeError {
    return this.#told(heard) ?? this.#closed(heard, 'FIN')
  }

  notIsolated(): TroupeError {
    const text = 'the proxy takes no login, so isolate_streams cannot keep connections apart: take it out of the entry, or use Tor'
    return this.#error('Unavailable', `failed: ${text}`, { stage: 'greeting' })
  }

  /** The handshake has failed after the proxy had sent `heard`. */
  refused(heard: readonly number[]): TroupeError {
    const stage = stageOf(heard)
    return this.#told(heard) ?? this.#unavailable(`the proxy sent an answer that is not SOCKS5 ${during[stage]}`, { stage })
  }

  /** What the proxy said itself, if it got that far. */
  #told(heard: readonly number[]): TroupeError | undefined {
    const told = readTranscript(heard)
    if (told === undefined) return this.#notSocks(heard)
    const { stage, method, loginStatus, reply } = told
    if (stage === 'greeting' && method !== undefined) {
      return this.#unavailable("the proxy takes none of the login methods offered: does it need the entry's username and password?", {
        stage,
        method,
      })
    }
    if (stage === 'login' && loginStatus !== undefined) {
      return this.#unavailable('the proxy refused the username and password of the entry', { stage, loginStatus })
    }
    return reply === undefined || reply === 0 ? undefined : this.#rejected(reply, stage)
  }

  #closed(heard: readonly number[], code: string): TroupeError {
    const stage = stageOf(heard)
    return this.#unavailable(`the proxy closed the connection ${during[stage]} (${code})`, { stage, code })
  }

  #rejected(replyCode: number, stage: Stage): TroupeError {
    const reply = replyWords(replyCode)
    const details = { stage, replyCode, reply }
    if (replyCode === commandNotSupported)
      return this.#error('Invalid', `is not supported by the proxy: it answered ${replyCode}, ${reply}`, details)
    return this.#unavailable(`the proxy answered ${replyCode}, ${reply}`, details)
  }

  #notSocks(heard: readonly number[]): TroupeError {
    const http = String.fromCharCode(...heard.slice(0, 1)) === 'H'
    const what = http ? 'HTTP' : 'something else'
    return this.#unavailable(`the entry's host and port answer in ${what}, not in SOCKS5: are they those of the proxy?`, {
      stage: stageOf(heard),
    })
  }

  #unavailable(why: string, details: Readonly<Record<string, unknown>>): TroupeError {
    return this.#error('Unavailable', `failed: ${why}`, details)
  }

  #error(kind: ErrorKind, what: string, details: Readonly<Record<string, unknown>>): TroupeError {
    return new TroupeError(kind, `a connection to ${this.#target} through overlay ${this.#overlay} ${what}`, {
      details: { overlay: this.#overlay, target: this.#target, ...details },
    })
  }
}

const during: Readonly<Record<Stage, string>> = {
  connect: 'while connecting to the proxy',
  greeting: 'at the greeting',
  login: 'at the login',
  request: 'before it answered the request',
}

/** `heard` is undefined until the proxy is connected. */
function stageOf(heard: readonly number[] | undefined): Stage {
  if (heard === undefined) return 'connect'
  return readTranscript(heard)?.stage ?? 'greeting'
}
