/** One store of tokens: issues, finds and revokes them. */
import { hash } from 'node:crypto'
import { type Actor, type EntryId, forgetOldest, invalid, TroupeError } from '@troupe/core'
import type { IssuedToken } from '../protocol.ts'
import type { TokenStoreFields } from './kind.ts'
import type { StoredToken, TokenStorage } from './storage.ts'
import { isSame, newToken, readToken, type SignedToken } from './token-text.ts'

/** Signatures of tokens that are remembered as valid. */
const maxSigned = 10_000

/** The identity of a new token, and its lifetime. */
export interface TokenGrant {
  readonly actor: Actor
  readonly policies: readonly EntryId[]
  readonly groups: readonly string[]
  readonly meta: Readonly<Record<string, unknown>>
  /** Milliseconds. @default the store's */
  readonly ttl: number | undefined
}

export interface TokenStoreOptions {
  readonly id: EntryId
  readonly fields: TokenStoreFields
  /** The secret that signs tokens. */
  readonly key: string
  readonly storage: TokenStorage
}

export class TokenStore {
  readonly #id: EntryId
  readonly #fields: TokenStoreFields
  readonly #key: string
  readonly #storage: TokenStorage
  /** Tokens whose signature was found valid, by their SHA-256: the signature never changes, unlike the token's data. */
  readonly #signed = new Map<string, SignedToken>()

  constructor({ id, fields, key, storage }: TokenStoreOptions) {
    this.#id = id
    this.#fields = fields
    this.#key = key
    this.#storage = storage
  }

  /** @throws TroupeError `Invalid` for a lifetime that is too long, `Unavailable` when there are too many tokens. */
  create({ ttl = this.#fields.ttl, ...grant }: TokenGrant): IssuedToken {
    const { maxTtl = Infinity, maxTokens } = this.#fields
    if (!(ttl > 0 && ttl <= maxTtl))
      throw invalid(`${this.#id}: the ttl of a token must be 1 ms to ${maxTtl} ms, not ${ttl} ms`, { ttl, maxTtl })
    const now = Date.now()
    if (this.#storage.size >= maxTokens) this.#storage.sweep(now)
    if (this.#storage.size >= maxTokens) {
      throw new TroupeError('Unavailable', `${this.#id} already has ${maxTokens} valid tokens (max_tokens)`, {
        details: { store: this.#id, maxTokens },
      })
    }
    const { id, hash, token } = newToken(this.#id, this.#key)
    const expires = now + Math.ceil(ttl)
    this.#storage.put({ id, hash, ...grant, expires })
    return { id, token, expires }
  }

  /** Returns the data of a token; undefined if it was never issued, was revoked, or has expired. */
  find(token: string): StoredToken | undefined {
    const signed = this.#read(token)
    const stored = signed && this.#storage.get(signed.id)
    if (stored === undefined || !isSame(stored.hash, signed?.hash ?? new Uint8Array())) return undefined
    return stored.expires > Date.now() ? stored : undefined
  }

  #read(token: string): SignedToken | undefined {
    const digest = hash('sha256', token, 'base64')
    const known = this.#signed.get(digest)
    if (known !== undefined) return known
    const signed = readToken(this.#id, this.#key, token)
    if (signed === undefined) return undefined
    this.#signed.set(digest, signed)
    forgetOldest(this.#signed, maxSigned)
    return signed
  }

  /** Revokes a token by its id. Returns whether it existed. */
  revoke(id: string): boolean {
    return this.#storage.remove(id)
  }

  /** Revokes all tokens of an actor. Returns their ids. */
  revokeOf(actor: string): readonly string[] {
    return this.#storage.of(actor).filter((id) => this.#storage.remove(id))
  }
}
