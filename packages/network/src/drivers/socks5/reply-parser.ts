/**
 * Parses the replies of a SOCKS5 proxy from chunks of any size (RFC 1928, RFC 1929). It guesses nothing: bytes that do
 * not fit are `alien`, and bytes after the last reply are left unread.
 */
import { hostLength, methods } from './messages.ts'

/** The stage of a handshake. */
export type Stage = 'connect' | 'greeting' | 'login' | 'request'

export type Reply =
  | { readonly type: 'method'; readonly method: number }
  | { readonly type: 'login'; readonly status: number }
  /** A refusal may arrive in place of the reply to a login: Tor sends one when it cannot parse its `<torS0X>` form. */
  | { readonly type: 'refusal'; readonly code: number }
  | { readonly type: 'success'; readonly addressType: number; readonly address: Buffer; readonly port: number }
  /** Not SOCKS5. */
  | { readonly type: 'alien'; readonly looksLike: 'HTTP' | 'something else' }

const version = 5
const loginVersion = 1
const success = 0
/** Version, reply, a reserved byte, the type of the address and its first byte. */
const replyHead = 5
const portBytes = 2
const empty = Buffer.alloc(0)

export class ReplyParser {
  /** The reply that is expected next. */
  stage: Exclude<Stage, 'connect'> = 'greeting'
  #bytes: Buffer = empty
  readonly #loginSent: boolean

  /**
   * @param loginSent - Whether the login was sent together with a greeting that offers no other method. Tor then
   *   replies to the login only (`docs/discoveries/0007`): that implies the choice of the method.
   */
  constructor(loginSent = false) {
    this.#loginSent = loginSent
  }

  /** Adds the proxy's next bytes, which are kept, not copied. */
  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  /** Bytes that were received and not parsed. */
  get rest(): Buffer {
    return this.#bytes
  }

  /**
   * Returns the next reply; `undefined` until it is complete. After a refusal, a success, or alien bytes there is no
   * further reply.
   */
  next(): Reply | undefined {
    if (this.stage === 'request') return this.#reply()
    const [head, value] = this.#bytes
    if (head === undefined) return undefined
    if (this.stage === 'greeting' && head === loginVersion && this.#loginSent) this.stage = 'login'
    if (this.stage === 'greeting' && head !== version) return alien(head)
    // Some proxies write the SOCKS version in place of the login version.
    if (head !== version && head !== loginVersion) return alien(head)
    if (value === undefined) return undefined
    this.#bytes = this.#bytes.subarray(2)
    return this.stage === 'greeting' ? this.greeted(value) : this.#login(head, value)
  }

  /** Continues after a greeting that was read before. */
  greeted(method: number): Reply {
    if (method === methods.none) this.stage = 'request'
    else if (method === methods.password) this.stage = 'login'
    return { type: 'method', method }
  }

  #login(head: number, status: number): Reply {
    if (status !== success) return head === version ? { type: 'refusal', code: status } : { type: 'login', status }
    this.stage = 'request'
    return { type: 'login', status }
  }

  #reply(): Reply | undefined {
    const bytes = this.#bytes
    const [head, code, , addressType = 0, first = 0] = bytes
    if (head === undefined) return undefined
    if (head !== version) return alien(head)
    if (code === undefined) return undefined
    // The address in a refusal has no meaning, and may be truncated or of an unknown type.
    if (code !== success) return { type: 'refusal', code }
    if (bytes.length < replyHead - 1) return undefined
    const length = hostLength(addressType, first)
    if (length === undefined) return alien(head)
    const end = replyHead - 1 + length
    if (bytes.length < replyHead || bytes.length < end + portBytes) return undefined
    this.#bytes = bytes.subarray(end + portBytes)
    return { type: 'success', addressType, address: bytes.subarray(replyHead - 1, end), port: bytes.readUInt16BE(end) }
  }
}

function alien(head: number): Reply {
  return { type: 'alien', looksLike: String.fromCharCode(head) === 'H' ? 'HTTP' : 'something else' }
}
