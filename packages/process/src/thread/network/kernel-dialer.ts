/** Connections for code in a sealed thread: the kernel opens them, and hands them over. */
import { type Pid, TroupeError, Semaphore } from '@troupe/core'
import { type SocketHandoff, type KernelDialer, takeOver } from '@troupe/network'
import { participantIn, soleParticipant } from '../participant.ts'
import type { Runtime } from '../runtime.ts'

/** Maximum number of pending connections; the kernel accepts about twice as many from one thread. */
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
        const { number, answer } = runtime.kernel.ask(
          'dial',
          { connectRequest, timeout, ...(key !== undefined && { key }) },
          by,
        )
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
  return (participantIn(runtime) ?? soleParticipant(runtime.participants) ?? runtime.root).pid
}

function unlessAborted(handed: SocketHandoff, signal: AbortSignal | undefined): SocketHandoff {
  if (signal?.aborted !== true) return handed
  takeOver(handed).destroy()
  throw canceled()
}

function canceled(): TroupeError {
  return new TroupeError('Canceled', 'the connection is no longer needed')
}
