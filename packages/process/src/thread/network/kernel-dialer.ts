/** How code in a sealed thread comes by connections: the kernel opens them, and hands them over. */
import { type Pid, TroupeError } from '@troupe/core'
import { type SocketHandoff, type KernelDialer, takeOver } from '@troupe/network'
import { Semaphore } from '../../semaphore.ts'
import { participantInForce, soleParticipant } from '../participant.ts'
import type { Runtime } from '../runtime.ts'

/** Connections asked for at a time; the kernel takes no more than about twice as many of one thread. */
const most = 256
const defaultTimeout = 30_000

export function kernelDialer(runtime: Runtime): KernelDialer {
  const semaphore = new Semaphore(most)
  return {
    async dial(connectRequest, { signal, timeout = defaultTimeout, isolation }) {
      const by = onBehalfOf(runtime)
      const key = isolation?.key
      return semaphore.acquire(async () => {
        if (signal?.aborted) throw canceled()
        const { number, answer } = runtime.kernel.ask('dial', { connectRequest, timeout, ...(key !== undefined && { key }) }, by)
        const stop = () => void runtime.kernel.request('cancelDial', { request: number }, by).catch(() => undefined)
        signal?.addEventListener('abort', stop, { once: true })
        try {
          return unlessAborted(await answer, signal)
        } finally {
          signal?.removeEventListener('abort', stop)
        }
      })
    },
    async resolve(name, family) {
      return runtime.kernel.request('resolve', { name, family }, onBehalfOf(runtime))
    },
  }
}

function onBehalfOf(runtime: Runtime): Pid {
  return (participantInForce() ?? soleParticipant(runtime.participants) ?? runtime.root).pid
}

function unlessAborted(handed: SocketHandoff, signal: AbortSignal | undefined): SocketHandoff {
  if (signal?.aborted !== true) return handed
  takeOver(handed).destroy()
  throw canceled()
}

function canceled(): TroupeError {
  return new TroupeError('Canceled', 'nobody waits for the connection any more')
}
