/** Tokens, as applications see them. The kernel keeps them, and decides who may do what with them. */
import { type Actor, entryId, parseDuration } from '@troupe/core'
import { policiesOf, Scope } from '@troupe/policy'
import { ask, type IssuedToken, type TokenView } from '@troupe/process'

export interface TokenOptions {
  /** Who acts by it. */
  readonly actor: Actor
  /** Policies that are in force for who acts by it. @default none but those of `groups`: then everything is denied */
  readonly scope?: Scope
  /** Groups of policies: whichever are in them when the token is used. */
  readonly groups?: readonly string[]
  /** How long it counts: milliseconds, or a duration such as `30m`. @default what the store says */
  readonly ttl?: number | string
  /** Plain data that goes with it. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/** What a token stands for. */
export interface TokenInfo extends Omit<TokenView, 'scope'> {
  readonly scope: Scope
}

/** Which tokens to end: one by its id, or all of an actor. */
export type TokenSelection = { readonly id: string } | { readonly actor: string }

/**
 * A `security.token_store`. Its calls need the actions `security.token.create`, `.validate` and `.revoke` on it where policies are in force.
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
     * @throws TroupeError `PermissionDenied`, `NotFound` for an unknown store, `Invalid`, `Unavailable` when too many count.
     */
    async create({ actor, scope = new Scope(), groups = [], ttl, meta = {} }: TokenOptions): Promise<IssuedToken> {
      const milliseconds = typeof ttl === 'string' ? parseDuration(ttl) : ttl
      const grant = { actor, policies: policiesOf(scope), groups, meta, ...(milliseconds !== undefined && { ttl: milliseconds }) }
      return ask('createToken', { store, grant })
    },

    /** What a token stands for; nothing for one that was never issued, was revoked, or has expired. */
    async validate(token: string): Promise<TokenInfo | undefined> {
      const found = await ask('validateToken', { store, token })
      return found && { ...found, scope: new Scope(found.scope) }
    },

    /** Ends tokens, at once: what acts by one may do nothing more. Returns how many there were. */
    async revoke(which: TokenSelection): Promise<number> {
      const { revoked } = await ask('revokeToken', { store, ...which })
      return revoked
    },
  })
}

export type TokenStoreHandle = ReturnType<typeof tokenStore>
