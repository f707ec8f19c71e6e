/**
 * Tokens as text: `id.secret.signature`. The id is not a secret, and names the token in logs and revocations. Of the
 * secret only the SHA-256 is kept. The signature is an HMAC-SHA256 (RFC 2104) over both and the store, so that a forged
 * token is refused without a look-up.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** The data of a token that was signed with the key. */
export interface SignedToken {
  readonly id: string
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array
}

export interface NewToken extends SignedToken {
  readonly token: string
}

const form = /^([\w-]{16})\.([\w-]{43})\.([\w-]{43})$/

/** @param store Id of the store: a token of one store is invalid in another, whatever their keys. */
export function newToken(store: string, key: string): NewToken {
  const id = randomBytes(12).toString('base64url')
  const secret = randomBytes(32).toString('base64url')
  return { id, hash: hashOf(secret), token: `${id}.${secret}.${sign(store, key, id, secret).toString('base64url')}` }
}

/** Returns whether a text could be a token of some store. */
export function isTokenText(text: string): boolean {
  return form.test(text)
}

/** Returns the data of a token; undefined if it was not signed with that key for that store. */
export function readToken(store: string, key: string, token: string): SignedToken | undefined {
  const [, id, secret, signature] = form.exec(token) ?? []
  if (id === undefined || secret === undefined || signature === undefined) return undefined
  // Compared as text: the last character has two unused bits, so that four texts would represent one signature.
  if (!isSame(Buffer.from(signature), Buffer.from(sign(store, key, id, secret).toString('base64url')))) return undefined
  return { id, hash: hashOf(secret) }
}

/** Compares in a time that does not depend on where two values differ. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

function sign(store: string, key: string, id: string, secret: string): Buffer {
  return createHmac('sha256', key).update(`${store}\n${id}\n${secret}`).digest()
}
