/** The API of tokens for applications. The kernel keeps the tokens, and decides who may use them. */
import { type Actor, entryId, parseDuration } from '@troupe/core'
import { policiesOf, Scope } from '@troupe/policy'
import { ask } from '@troupe/process'
import type { IssuedToken, TokenView } from '../protocol.ts'

/** The identity, permissions and lifetime of a new token. */
export interface TokenOptions {
  /** The actor that the token represents. */
  readonly actor: Actor
  /** Policies that are in force for the token. @default none but those of `groups`: then everything is denied */
  readonly scope?: Scope
  /** Groups of policies: their members at the time when the token is used. */
  readonly groups?: readonly string[]
  /** The lifetime: milliseconds, or a duration such as `30m`. @default the `ttl` of the store */
  readonly ttl?: number | string
  /** Plain data that is kept with the token. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/** The data of a token. */
export interface TokenInfo extends Omit<TokenView, 'scope'> {
  /** The policies in force for requests with the token. */
  readonly scope: Scope
}

/** The tokens to revoke: one by its id, or all of an actor. */
export type TokenSelection = { readonly id: string } | { readonly actor: string }

/**
 * Returns the API of a `security.token_store`. Where policies are in force, its calls need the actions
 * `security.token.create`, `.validate` and `.revoke` on the store.
 *
 * @throws TroupeError `Invalid` for an invalid id.
 *
 * @example
 * ```ts
 * const tokens = tokenStore('app:tokens')
 * const { id, token } = await tokens.create({ actor: newActor('ann'), groups: ['readers'], ttl: '1h' })
 * await tokens.revoke({ id })
 * ```
 */
export function tokenStore(id: string) {
  const store = entryId(id)
  return Object.freeze({
    /**
     * Issues a token. It is shown once: only its hash is kept.
     *
     * @throws TroupeError `PermissionDenied`, `NotFound` for an unknown store, `Invalid`, `Unavailable` when there are
     *   too many valid tokens.
     */
    async create({ actor, scope = new Scope(), groups = [], ttl, meta = {} }: TokenOptions): Promise<IssuedToken> {
      const milliseconds = typeof ttl === 'string' ? parseDuration(ttl) : ttl
      const grant = {
        actor,
        policies: policiesOf(scope),
        groups,
        meta,
        ...(milliseconds !== undefined && { ttl: milliseconds }),
      }
      return ask('createToken', { store, grant })
    },

    /**
     * Returns the data of a token; undefined if it was never issued, was revoked, or has expired.
     *
     * @throws TroupeError `PermissionDenied`, `NotFound` for an unknown store, `Invalid` for a text of more than 512
     *   characters.
     */
    async validate(token: string): Promise<TokenInfo | undefined> {
      const found = await ask('validateToken', { store, token })
      return found && { ...found, scope: new Scope(found.scope) }
    },

    /**
     * Revokes tokens at once: requests and connections that act by one end. Returns how many tokens existed.
     *
     * @throws TroupeError `PermissionDenied`, `NotFound` for an unknown store.
     */
    async revoke(which: TokenSelection): Promise<number> {
      const { revoked } = await ask('revokeToken', { store, ...which })
      return revoked
    },
  })
}

/** A token store: creates, validates and revokes tokens. */
export type TokenStoreHandle = ReturnType<typeof tokenStore>
