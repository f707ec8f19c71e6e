/** The storage of tokens. */
import type { Actor, EntryId } from '@troupe/core'

/** A stored token: its data cannot be used as a token. */
export interface StoredToken {
  readonly id: string
  /** SHA-256 of its secret. */
  readonly hash: Uint8Array
  readonly actor: Actor
  readonly policies: readonly EntryId[]
  /** Groups of policies: their members at the time when the token is used. */
  readonly groups: readonly string[]
  readonly meta: Readonly<Record<string, unknown>>
  /** Unix time in milliseconds. */
  readonly expires: number
}

export interface TokenStorage extends Disposable {
  readonly size: number
  put(token: StoredToken): void
  get(id: string): StoredToken | undefined
  remove(id: string): boolean
  /** Returns the ids of the tokens of an actor. */
  of(actor: string): readonly string[]
  /** Removes expired tokens. */
  sweep(now: number): void
}

export class MemoryTokens implements TokenStorage {
  readonly #tokens = new Map<string, StoredToken>()

  get size(): number {
    return this.#tokens.size
  }

  put(token: StoredToken): void {
    this.#tokens.set(token.id, token)
  }

  get(id: string): StoredToken | undefined {
    return this.#tokens.get(id)
  }

  remove(id: string): boolean {
    return this.#tokens.delete(id)
  }

  of(actor: string): readonly string[] {
    return [...this.#tokens.values()].filter((token) => token.actor.id === actor).map(({ id }) => id)
  }

  sweep(now: number): void {
    for (const { id, expires } of this.#tokens.values()) if (expires <= now) this.#tokens.delete(id)
  }

  [Symbol.dispose](): void {
    this.#tokens.clear()
  }
}
