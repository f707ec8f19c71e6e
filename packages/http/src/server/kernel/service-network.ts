/** In which network a service listens, and in which its handlers run. */
import { type EntryId, type OverlayChoice, TroupeError } from '@troupe/core'
import { listenTime } from '@troupe/network/kernel'
import type { Kernel } from '@troupe/process/kernel'
import { httpServiceKind } from '../../config/service-kind.ts'
import type { ServerSettings } from '../routing/route-table.ts'

export class ServiceNetwork {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** @throws TroupeError `Invalid`, not retryable, where the overlay does not support what the service requires. */
  settings(service: EntryId): ServerSettings {
    const { registry, overlays, threads } = this.#kernel
    const { fields } = registry.decode(service, httpServiceKind)
    const network = fields.network === undefined ? (threads.defaultOverlay ?? null) : fields.network
    if (network !== null) {
      const { listen, tls } = overlays.get(network).capabilities
      const lacks = !listen
        ? 'it is outbound only'
        : fields.tls?.mode === 'auto' && !tls
          ? 'it has no certificates for tls.mode auto'
          : undefined
      if (lacks !== undefined)
        throw new TroupeError('Invalid', `${service} cannot listen on ${network}: ${lacks}`, { retryable: false })
    }
    return { service, fields, network }
  }

  /** Returns the overlay that the entry of a service chooses for its handlers. */
  pin(id: EntryId): EntryId | null | undefined {
    return this.#kernel.registry.decode(id, httpServiceKind).meta.options?.network
  }

  /** Returns the overlay of the threads of a service; `null` is the clear network. */
  networkOf(service: EntryId): EntryId | null {
    const { registry, threads } = this.#kernel
    const { fields } = registry.decode(service, httpServiceKind)
    const own = fields.replyVia === 'same' ? this.settings(service).network : this.pin(service)
    return own === undefined ? (threads.defaultOverlay ?? null) : own
  }

  /** Returns whether an entry with that pin runs in another network than the service. */
  leadsElsewhere(service: EntryId, pin: OverlayChoice): boolean {
    return pin !== undefined && pin !== this.networkOf(service)
  }

  /** Returns whether the overlay of the pin, or else of the service, isolates actors. */
  isolatesActors(service: EntryId, pin: OverlayChoice): boolean {
    const { overlays } = this.#kernel
    const overlay = pin === undefined ? this.networkOf(service) : pin
    // An overlay that does not exist yet may isolate actors.
    return overlay !== null && (!overlays.has(overlay) || overlays.get(overlay).isolates === 'actor')
  }

  /**
   * Returns the start timeout of the overlay that a service listens on, if that overlay may start slowly, unless the
   * service sets one.
   */
  slowStart(id: EntryId): number | undefined {
    const { registry, threads } = this.#kernel
    const { fields, entry } = registry.decode(id, httpServiceKind)
    const network = fields.network === undefined ? threads.defaultOverlay : fields.network
    const { lifecycle } = entry.fields
    const saysSo =
      typeof lifecycle === 'object' &&
      lifecycle !== null &&
      ('start_timeout' in lifecycle || 'startTimeout' in lifecycle)
    if (network === undefined || network === null || saysSo || !registry.has(network)) return undefined
    const time = listenTime(registry, network)
    return time === undefined ? undefined : Math.max(time, fields.lifecycle.startTimeout)
  }
}
