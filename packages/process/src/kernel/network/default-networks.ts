/** The networks of the program around the application, and of processes, when they choose none. */
import { emptyFrame } from '@troupe/core'
import type { KernelParts } from '../kernel-parts.ts'
import { clearNetwork, type Network } from './networks.ts'

type Parts = Pick<KernelParts, 'networks' | 'overlays' | 'processes' | 'runtime' | 'threads'>

/** The network of the program around the application: `undefined` while its overlay does not run yet. */
export function programNetwork({ networks, overlays, processes, runtime }: Parts): Network | undefined {
  const { frame } = processes.get(runtime.root.pid) ?? { frame: emptyFrame }
  const overlay = networks.overlayOf(frame)
  return overlay === null || overlays.has(overlay) ? networks.ofCall(frame, undefined, 'program') : undefined
}

/** The network of processes that choose none, if it is the same for all of them. */
export function defaultNetwork({ networks, overlays, threads: { defaultOverlay } }: Parts): Network | undefined {
  if (defaultOverlay === undefined) return clearNetwork
  if (!overlays.has(defaultOverlay) || overlays.get(defaultOverlay).isolates !== undefined) return undefined
  return networks.ofProcess(emptyFrame)
}
