/**
 * The errors of one request to a proxy. They name the overlay and the target. The proxy's address, the login and the
 * rest of the route are never included. So a lower layer's error, whose message contains them, is never the cause.
 */
import { isIP } from 'node:net'
import { type EntryId, type ErrorKind, formatDuration, TroupeError } from '@troupe/core'
import { isPrivateAddress } from '../../dial/private-addresses.ts'
import type { Reply, Stage } from './reply-parser.ts'
import { replyCodes } from './reply-codes.ts'

/**
 * The location of a failure. `proxy`: the proxy does not work at all. `exchange`: the exchange broke off, and another
 * proxy may succeed. `end`: another proxy would not change the result.
 */
export type Blame = 'proxy' | 'exchange' | 'end'

export interface Failure {
  readonly error: TroupeError
  readonly blame: Blame
}

/** A field of the entry that limits a stage. */
export type Limit = 'connect_timeout' | 'first_byte_timeout' | 'handshake_timeout'

const generalFailure = 1
const notAllowed = 2
const commandNotSupported = 7
/** Tor gives no reason, only this code (its `ClientRejectInternalAddresses`). */
const refusedByTor = 'Tor refuses private addresses, and other proxies look for them on their own side'
const checkedLate = 'some proxies refuse a wrong username or password only here'

export class Failures {
  readonly #overlay: EntryId
  readonly #asked: string
  readonly #target: string

  /**
   * @param asked - What was requested: `a connection to example.org:80`.
   * @param target - `host:port`, or the name or address of a look-up.
   */
  constructor(overlay: EntryId, asked: string, target: string) {
    this.#overlay = overlay
    this.#asked = asked
    this.#target = target
  }

  canceled(): Failure {
    return this.#failure('Canceled', 'was canceled', {}, 'end')
  }

  /** The caller's timeout. */
  timedOut(ms: number, stage: Stage): Failure {
    return this.#failure('Timeout', `took longer than ${ms} ms (${during[stage]})`, { stage, timeout: ms }, 'end')
  }

  late(limit: Limit, ms: number, stage: Stage, optimistic: boolean): Failure {
    const swallowed =
      optimistic && limit === 'handshake_timeout'
        ? '. If it does not take everything in one write, say optimistic: false'
        : ''
    const text = `failed: the proxy kept silent for ${formatDuration(ms)} ${during[stage]} (${limit})${swallowed}`
    return this.#failure('Timeout', text, { stage, limit, timeout: ms }, 'proxy')
  }

  unreachable(code: string): Failure {
    const advice = "is it running, and are the entry's host and port right?"
    return this.#unavailable(`the proxy cannot be reached (${code}): ${advice}`, { stage: 'connect', code }, 'proxy')
  }

  /** The overlay that leads to the proxy failed. Its message about the proxy's address is left out. */
  hop(error: unknown, via: EntryId): Failure {
    const { kind, details } = error instanceof TroupeError ? error : new TroupeError('Unknown', '')
    if (kind === 'Canceled') return this.canceled()
    const said =
      typeof details['reply'] === 'string'
        ? `: its proxy answered ${String(details['replyCode'])}, ${details['reply']}`
        : ''
    const text = `failed: overlay ${via}, which leads to the proxy, did not reach it${said}`
    const blame = kind === 'Timeout' && details['limit'] === undefined ? 'end' : 'proxy'
    return this.#failure(
      kind,
      text,
      { ...(said && { hop: { replyCode: details['replyCode'] } }), stage: 'connect', via },
      blame,
    )
  }

  closed(stage: Stage, code: string): Failure {
    return this.#unavailable(
      `the proxy closed the connection ${during[stage]} (${code})`,
      { stage, code },
      blameAt(stage),
    )
  }

  /** The proxy accepts no login, although generated logins must isolate connections. A retry does not change that. */
  notIsolated(method: number): Failure {
    return this.#failure('Unavailable', noIsolation('takes no login'), { stage: 'greeting', method }, 'proxy', false)
  }

  /** The proxy accepts only its own logins. */
  loginNotIsolated(loginStatus: number): Failure {
    return this.#failure('Unavailable', noIsolation('refused it'), { stage: 'login', loginStatus }, 'proxy', false)
  }

  methodRefused(method: number): Failure {
    const text = "the proxy takes none of the login methods offered: does it need the entry's username and password?"
    return this.#unavailable(text, { stage: 'greeting', method }, 'proxy')
  }

  loginRefused(loginStatus: number): Failure {
    return this.#unavailable(
      'the proxy refused the username and password of the entry',
      { stage: 'login', loginStatus },
      'proxy',
    )
  }

  /** @param hasLogin - Whether the login of the entry was sent: some proxies check it only with the request. */
  rejected(replyCode: number, stage: Stage, hasLogin = false): Failure {
    const reply = replyCodes(replyCode)
    const details = { stage, replyCode, reply }
    if (replyCode === commandNotSupported)
      return this.#failure(
        'Invalid',
        `is not supported by the proxy: it answered ${replyCode}, ${reply}`,
        details,
        'end',
      )
    const advice = stage === 'login' ? ' to the login' : this.#adviceOn(replyCode, hasLogin)
    return this.#unavailable(
      `the proxy answered ${replyCode}, ${reply}${advice}`,
      details,
      stage === 'login' ? 'proxy' : 'end',
    )
  }

  #adviceOn(replyCode: number, hasLogin: boolean): string {
    if (hasLogin && replyCode === notAllowed) return `: ${checkedLate}`
    return replyCode === generalFailure && isPrivateTarget(this.#target) ? `: ${refusedByTor}` : ''
  }

  outOfTurn(stage: Stage): Failure {
    return this.#unavailable('the proxy answered before it was asked: it does not speak SOCKS5', { stage }, 'proxy')
  }

  alien({ looksLike }: Extract<Reply, { type: 'alien' }>, stage: Stage): Failure {
    if (stage === 'greeting') {
      const text = `the entry's host and port answer in ${looksLike}, not in SOCKS5: are they those of the proxy?`
      return this.#unavailable(text, { stage }, 'proxy')
    }
    return this.#unavailable(`the proxy sent an answer that is not SOCKS5 ${during[stage]}`, { stage }, blameAt(stage))
  }

  /** A success whose content is impossible. */
  useless(what: string): Failure {
    return this.#unavailable(what, { stage: 'request' }, 'end')
  }

  unsupported(why: string): Failure {
    return this.#failure('Invalid', `is not supported: ${why}`, {}, 'end')
  }

  #unavailable(why: string, details: Readonly<Record<string, unknown>>, blame: Blame): Failure {
    return this.#failure('Unavailable', `failed: ${why}`, details, blame)
  }

  #failure(
    kind: ErrorKind,
    what: string,
    details: Readonly<Record<string, unknown>>,
    blame: Blame,
    retryable?: boolean,
  ): Failure {
    const error = new TroupeError(kind, `${this.#asked} through overlay ${this.#overlay} ${what}`, {
      details: { overlay: this.#overlay, target: this.#target, ...details },
      ...(retryable !== undefined && { retryable }),
    })
    return { error, blame }
  }
}

const during: Readonly<Record<Stage, string>> = {
  connect: 'while connecting to the proxy',
  greeting: 'at the greeting',
  login: 'at the login',
  request: 'before it answered the request',
}

function noIsolation(did: string): string {
  return (
    'failed: the entry isolates (isolate, isolate_streams), for which ' +
    'Troupe makes up a login for each actor, process or connection, ' +
    `and the proxy ${did}, so it cannot isolate: take isolate and isolate_streams out of the entry, or use Tor`
  )
}

/** A proxy that breaks off during a request may do so because of the request. */
function blameAt(stage: Stage): Blame {
  return stage === 'request' ? 'exchange' : 'proxy'
}

/** @param target - `host:port`, or a name or an address alone. */
function isPrivateTarget(target: string): boolean {
  const host = isIP(target) === 0 ? target.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') : target
  return isPrivateAddress(host) || /^(?:.+\.)?localhost$/i.test(host)
}
