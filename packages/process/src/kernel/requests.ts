/** The requests of this package, by what they are about. */
import type { KernelParts } from './kernel-parts.ts'
import { nameHandlers } from './name-requests.ts'
import { networkHandlers } from './network/network-requests.ts'
import { processHandlers } from './process-requests.ts'
import { registryHandlers } from './registry-requests.ts'
import type { OwnHandlers } from './request-handler.ts'
import { securityHandlers } from './security-requests.ts'

/** The handlers that the kernel has from its start. */
export function ownHandlers(kernel: KernelParts): OwnHandlers {
  return {
    ...processHandlers(kernel),
    ...nameHandlers(kernel),
    ...securityHandlers(kernel),
    ...networkHandlers(kernel),
    ...registryHandlers(kernel),
  }
}
