/**
 * Permission to do something to processes elsewhere, or to request a URL, asked of the kernel once for each of those who act here, and kept
 * until the policies change.
 */
import type { KernelClient } from './kernel-client.ts'
import type { Participant } from './participant.ts'

/** Of one who acts here. URLs are many: beyond it the oldest answer is forgotten, and asked for again. */
const maxPermissions = 4096

export class PermissionCache {
  readonly #kernel: () => KernelClient
  #given = new WeakMap<Participant, Map<string, Promise<void> | 'given'>>()

  constructor(kernel: () => KernelClient) {
    this.#kernel = kernel
  }

  /**
   * Rejects when `by` may not do `action` to `resource`. Returns nothing when that is known to be allowed.
   *
   * @throws TroupeError `PermissionDenied`, `NotFound` for a process that is not there.
   */
  ask(by: Participant, action: string, resource: string): Promise<void> | undefined {
    if (!by.policyEnforced) return undefined
    const permissions = this.#of(by)
    const key = `${action} ${resource}`
    const known = permissions.get(key)
    if (known !== undefined) return known === 'given' ? undefined : known
    const asked = this.#kernel().request('permit', { action, resource }, by.pid)
    permissions.set(key, asked)
    const [oldest] = permissions.keys()
    if (permissions.size > maxPermissions && oldest !== undefined) permissions.delete(oldest)
    // Registered before whatever the caller does with it, so that all who waited go on in their order before anyone new does.
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
