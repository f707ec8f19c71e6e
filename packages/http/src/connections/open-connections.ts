/** The open connections of this thread. */
import type { Pid } from '@troupe/core'
import { currentRuntime, self } from '@troupe/process'
import { serviceStops } from './reasons.ts'

interface Running {
  readonly stop: () => void
  readonly ended: Promise<void>
}

const running = new Map<Pid, Running>()

/** Runs a connection that {@link closeConnections} can stop. */
export async function whileOpen(converse: () => Promise<void>): Promise<void> {
  const runtime = currentRuntime()
  const { pid } = self
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  running.set(pid, {
    ended,
    stop: () => {
      runtime.cancel(pid, serviceStops)
    },
  })
  try {
    await converse()
  } finally {
    running.delete(pid)
    resolve()
  }
}

/** Closes all connections of this thread, and waits until they are closed. */
export async function closeConnections(): Promise<void> {
  await Promise.all(
    Array.from(running.values(), async ({ stop, ended }) => {
      stop()
      await ended
    }),
  )
}
