/** The token stores of an application on the kernel's side, and the requests that act under the identity of a token. */
import { resolve } from 'node:path'
import { type EntryId, invalid, type Pid, readPrivateFile, startTimer, TroupeError } from '@troupe/core'
import { Scope } from '@troupe/policy'
import type { InheritedContext } from '@troupe/process'
import type { Requester, Kernel, ProcessRecord, Thread } from '@troupe/process/kernel'
import type { Entry } from '@troupe/registry'
import { tokenExpired, tokenRevoked } from '../connections/reasons.ts'
import { type TokenStoreFields, tokenStoreKind } from './kind.ts'
import { httpRequests } from '../request-rules.ts'
import { parseGrant, parseTokenText } from './validate-grant.ts'
import { openSqliteTokens } from './sqlite-tokens.ts'
import { MemoryTokens, type StoredToken, type TokenStorage } from './storage.ts'
import { TokenStore } from './token-store.ts'

export interface TokenStoreTableOptions {
  readonly kernel: Kernel
  /** Folder that the files of stores are relative to. */
  readonly root: string
}

interface Opened {
  readonly entry: Entry
  readonly store: Promise<TokenStore>
}

/** A token in a store. */
export interface TokenName {
  readonly store: EntryId
  readonly token: string
}

/** A token that was used. */
export interface UsedToken extends TokenName {
  /** Unix time in milliseconds. */
  readonly expires: number
}

/** An identity that acts by a token. */
interface Bearer extends UsedToken {
  readonly record: ProcessRecord
  readonly thread: Thread
}

/**
 * Handles the requests of threads about tokens.
 *
 * @example
 * ```ts
 * await using tokens = new TokenStores({ kernel, root: config.root })
 * ```
 */
export class TokenStoreTable implements AsyncDisposable {
  readonly #kernel: Kernel
  readonly #root: string
  readonly #opened = new Map<EntryId, Opened>()
  /** They outlive a change of the entry. */
  readonly #storages = new Map<string, Promise<TokenStorage>>()
  readonly #bearers = new Map<Pid, Bearer>()
  readonly #onRevoked: ((token: TokenName) => void)[] = []

  constructor({ kernel, root }: TokenStoreTableOptions) {
    this.#kernel = kernel
    this.#root = root
    kernel.handle('createToken', httpRequests.createToken, async ({ store, grant }, { record }) => {
      const parsed = parseGrant(grant)
      const { actor, policies, groups } = parsed
      kernel.authorizer.check(record, 'security.token.create', store, {
        actor: actor.id,
        policies: [...policies],
        groups: [...groups],
      })
      return (await this.#store(store)).create(parsed)
    })
    kernel.handle('validateToken', httpRequests.validateToken, async ({ store, token }, { record }) => {
      kernel.authorizer.check(record, 'security.token.validate', store)
      const found = (await this.#store(store)).find(parseTokenText(token))
      if (found === undefined) return undefined
      const { id, actor, meta, expires } = found
      return { id, actor, scope: this.#scopeOf(found), meta, expires }
    })
    kernel.handle('revokeToken', httpRequests.revokeToken, async (ask, { record }) => {
      kernel.authorizer.check(record, 'security.token.revoke', ask.store, 'actor' in ask ? { actor: ask.actor } : {})
      const store = await this.#store(ask.store)
      const ended = 'actor' in ask ? store.revokeOf(ask.actor) : store.revoke(ask.id) ? [ask.id] : []
      for (const id of ended) this.#endBearers(ask.store, id)
      return { revoked: ended.length }
    })
    kernel.handle('openSession', httpRequests.openSession, async ({ store, token, inherit }, requester) =>
      this.#openSession(store, parseTokenText(token), inherit, requester),
    )
  }

  /** Returns the token by which a process acts, if there is one. */
  tokenOf(pid: Pid): UsedToken | undefined {
    return this.#bearers.get(pid)
  }

  onRevoked(listener: (token: TokenName) => void): void {
    this.#onRevoked.push(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#storages.values())) {
      if (opened.status === 'fulfilled') opened.value[Symbol.dispose]()
    }
    this.#storages.clear()
    this.#opened.clear()
  }

  async #openSession(store: EntryId, token: string, inherit: InheritedContext, { record, thread }: Requester) {
    const { authorizer, tasks, frames } = this.#kernel
    authorizer.check(record, 'security.token.validate', store)
    authorizer.checkFrame('funcs', record, { choice: {}, inherit })
    const found = (await this.#store(store)).find(token)
    if (found === undefined) return undefined
    const overlay = frames.overlay({ frame: record.frame, thread: thread.number }, {}, undefined, inherit)
    const frame = frames.forCall(record.frame, overlay, { actor: found.actor, scope: this.#scopeOf(found) }, inherit)
    const session = tasks.admit({
      entry: record.entry ?? store,
      frame,
      thread,
      role: record.role,
      onEnd: () => {
        this.#bearers.delete(session.pid)
        expiry.stop()
      },
    })
    const expiry = startTimer(
      () => this.#kernel.tasks.cut(session, thread, tokenExpired),
      Math.max(1, found.expires - Date.now()),
    ).unref()
    this.#bearers.set(session.pid, { store, token: found.id, expires: found.expires, record: session, thread })
    return { pid: session.pid, frame }
  }

  /** Ends the requests and connections that act by a token. */
  #endBearers(store: EntryId, token: string): void {
    for (const bearer of [...this.#bearers.values()]) {
      if (bearer.store === store && bearer.token === token)
        this.#kernel.tasks.cut(bearer.record, bearer.thread, tokenRevoked)
    }
    for (const listener of this.#onRevoked) listener({ store, token })
  }

  /** Returns the policies of a token: its own, and those that are in its groups now. */
  #scopeOf({ policies, groups }: StoredToken): readonly EntryId[] {
    return new Scope([...policies, ...groups.flatMap((group) => this.#kernel.security.namedScope(group).policies)])
      .policies
  }

  async #store(id: EntryId): Promise<TokenStore> {
    const { registry } = this.#kernel
    const known = this.#opened.get(id)
    if (known?.entry === registry.get(id)) return known.store
    const { entry, fields } = registry.decode(id, tokenStoreKind)
    const store = this.#open(id, fields)
    this.#opened.set(id, { entry, store })
    store.catch(() => this.#opened.delete(id))
    return store
  }

  async #open(id: EntryId, fields: TokenStoreFields): Promise<TokenStore> {
    const key = keyOf(id, fields)
    return new TokenStore({ id, fields, key, storage: await this.#storage(id, fields) })
  }

  async #storage(id: EntryId, { storage, path }: TokenStoreFields): Promise<TokenStorage> {
    const key = storage === 'memory' ? id : `${id} ${path}`
    const known = this.#storages.get(key)
    if (known !== undefined) return known
    const opened =
      storage === 'memory' ? Promise.resolve(new MemoryTokens()) : openSqliteTokens(resolve(this.#root, path), id)
    this.#storages.set(key, opened)
    opened.catch(() => this.#storages.delete(key))
    return opened
  }
}

/** @throws TroupeError `Unavailable`, `Invalid` */
function keyOf(store: EntryId, { key, keyFile = '' }: TokenStoreFields): string {
  if (key !== undefined) return key
  let read: string
  try {
    read = readPrivateFile(keyFile)
  } catch (cause) {
    throw new TroupeError('Unavailable', `${store}: its key_file ${keyFile} cannot be read: ${String(cause)}`, {
      cause,
      details: { store },
    })
  }
  const found = read.trim()
  if (found.length < 32)
    throw invalid(`${store}: its key_file ${keyFile} holds no key of at least 32 characters`, { store })
  return found
}
