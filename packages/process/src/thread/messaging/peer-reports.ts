/** What a thread reports to the kernel, and asks it, about other threads. */
import type { KernelClient } from '../kernel-client.ts'
import type { PeersOptions } from './peers.ts'

export function peerReports(
  kernel: () => KernelClient,
): Pick<PeersOptions, 'connect' | 'onBreach' | 'identify' | 'authorize'> {
  return {
    connect: (thread, envelopes) => {
      kernel().notify({ type: 'connect', thread, ...(envelopes && { letters: envelopes }) })
      return kernel().posted()
    },
    onBreach: (thread, why) => {
      kernel().notify({ type: 'breach', thread, why })
    },
    identify: (via, sender) => {
      kernel().notify({ type: 'sender', via, pid: sender })
    },
    authorize: (via, action, target) => {
      kernel().notify({ type: 'authorize', via, action, target })
    },
  }
}
