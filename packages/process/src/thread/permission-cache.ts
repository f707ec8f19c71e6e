/**
 * Leave to do something to processes elsewhere, or to request a URL, asked of the kernel once for each of those who act here, and kept
 * until the policies change.
 */
import type { KernelLink } from './kernel-client.ts'
import type { Participant } from './participant.ts'

/** Of one who acts here. URLs are many: beyond it the oldest answer is forgotten, and asked for again. */
const mostPermits = 4096

export class Permits {
  readonly #kernel: () => KernelLink
  #given = new WeakMap<Participant, Map<string, Promise<void> | 'given'>>()

  constructor(kernel: () => KernelLink) {
    this.#kernel = kernel
  }

  /**
   * Rejects when `by` may not do `action` to `resource`. Answers nothing when that is known to be allowed.
   *
   * @throws TroupeError `PermissionDenied`, `NotFound` for a process that is not there.
   */
  ask(by: Participant, action: string, resource: string): Promise<void> | undefined {
    if (!by.governed) return undefined
    const permits = this.#of(by)
    const key = `${action} ${resource}`
    const known = permits.get(key)
    if (known !== undefined) return known === 'given' ? undefined : known
    const asked = this.#kernel().request('permit', { action, resource }, by.pid)
    permits.set(key, asked)
    const [oldest] = permits.keys()
    if (permits.size > mostPermits && oldest !== undefined) permits.delete(oldest)
    // Registered before whatever the caller does with it, so that all who waited go on in their order before anyone new does.
    asked.then(
      () => {
        if (permits.get(key) === asked) permits.set(key, 'given')
      },
      () => permits.delete(key),
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
    const permits = new Map<string, Promise<void> | 'given'>()
    this.#given.set(by, permits)
    return permits
  }
}
