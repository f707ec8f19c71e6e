/** What a thread reports to the kernel, and asks it, about other threads. */
import { placeOfThread } from '@troupe/core'
import type { KernelClient } from '../kernel-client.ts'
import type { PeersOptions } from './peers.ts'

export function peerReports(
  kernel: () => KernelClient,
): Pick<PeersOptions, 'connect' | 'onBreach' | 'identify' | 'authorize'> {
  return {
    connect: (thread, envelopes) => {
      const place = placeOfThread(thread)
      if (place !== undefined) {
        if (envelopes === undefined) kernel().notify({ type: 'remote', place, about: 'reach' })
        return undefined
      }
      kernel().notify({ type: 'connect', thread, ...(envelopes && { letters: envelopes }) })
      return kernel().posted()
    },
    onBreach: (thread, why) => {
      const place = placeOfThread(thread)
      if (place === undefined) kernel().notify({ type: 'breach', thread, why })
      else kernel().notify({ type: 'remote', place, about: 'breach', why })
    },
    identify: (via, sender) => {
      kernel().notify({ type: 'sender', via, pid: sender })
    },
    authorize: (via, action, target) => {
      const place = placeOfThread(via)
      if (place === undefined) kernel().notify({ type: 'authorize', via, action, target })
      else kernel().notify({ type: 'remote', place, about: 'authorize', action, target })
    },
  }
}
