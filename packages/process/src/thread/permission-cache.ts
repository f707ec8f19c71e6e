/**
 * Caches permission decisions for actions on remote processes and requests of URLs. Each is requested from the kernel
 * once per participant, and kept until the policies change.
 */
import { forgetOldest } from '@troupe/core'
import type { KernelClient } from './kernel-client.ts'
import type { Participant } from './participant.ts'

/**
 * Maximum per participant. URLs can be many: beyond it the oldest decision is dropped, and requested again when needed.
 */
const maxPermissions = 4096

export class PermissionCache {
  readonly #kernel: () => KernelClient
  #given = new WeakMap<Participant, Map<string, Promise<void> | 'given'>>()

  constructor(kernel: () => KernelClient) {
    this.#kernel = kernel
  }

  /**
   * Rejects when `by` may not perform `action` on `resource`. Returns `undefined` when it is known to be allowed.
   *
   * @throws TroupeError `PermissionDenied`; `NotFound` for a process that does not exist.
   */
  ask(by: Participant, action: string, resource: string): Promise<void> | undefined {
    if (!by.policyEnforced) return undefined
    const permissions = this.#of(by)
    const key = `${action} ${resource}`
    const known = permissions.get(key)
    if (known !== undefined) return known === 'given' ? undefined : known
    const asked = this.#kernel().request('permit', { action, resource }, by.pid)
    permissions.set(key, asked)
    forgetOldest(permissions, maxPermissions)
    // Registered before the caller's own handlers, so that all waiting callers continue in order before a new one.
    asked.then(
      () => {
        if (permissions.get(key) === asked) permissions.set(key, 'given')
      },
      () => permissions.delete(key),
    )
    return asked
  }

  /** The policies have changed. */
  forget(): void {
    this.#given = new WeakMap()
  }

  #of(by: Participant): Map<string, Promise<void> | 'given'> {
    const known = this.#given.get(by)
    if (known !== undefined) return known
    const permissions = new Map<string, Promise<void> | 'given'>()
    this.#given.set(by, permissions)
    return permissions
  }
}
