/** A thread that dials one target many times at once, and sends different data on each connection. */
import { parentPort, workerData } from 'node:worker_threads'
import { dial, type Route, type Target } from '@troupe/network'
import { echoed } from './echoed.ts'

interface Work {
  readonly route: Route
  readonly target: Target
  readonly count: number
}

function given(): Work
function given(): unknown {
  const data: unknown = workerData
  return data
}

/** Milliseconds: a machine that is busy with other tests is slow. */
const timeout = 100_000

const { route, target, count } = given()
const outcomes = await Promise.allSettled(
  Array.from({ length: count }, async (_, number) => {
    const sent = Buffer.from(`connection ${number}`)
    const back = await echoed(await dial(route, target, { timeout }), sent)
    if (!back.equals(sent)) throw new Error(`${String(back)} came back for ${String(sent)}`)
  }),
)
const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => String(reason))
parentPort?.postMessage({ succeeded: count - failed.length, failed })
