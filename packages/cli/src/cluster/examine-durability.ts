/** When the servers write messages to their disks. Clients cannot learn it; a server's monitoring port shows it. */
import { startTimer, stopTimer } from '@troupe/core'
import type { ServerFinding } from '@troupe/cluster/operator'
import { z } from 'zod'

const answerTime = 5_000
/** Nanoseconds in a second. */
const second = 1e9
const remedy = 'set "sync_interval: always" in the section "jetstream" of the configuration of each server'

const jetStream = z.object({
  config: z.object({ sync_interval: z.number().optional(), sync_always: z.boolean().optional() }).optional(),
})

export async function examineDurability(monitors: readonly string[]): Promise<readonly ServerFinding[]> {
  if (monitors.length > 0) return Promise.all(monitors.map(examineOne))
  const message =
    'it is not known when the servers write to their disks: a power failure may take what was acknowledged'
  return [
    {
      severity: 'warning',
      check: 'durable',
      message,
      remedy: `${remedy}, and name the monitoring port of each: --monitor http://127.0.0.1:8222`,
    },
  ]
}

async function examineOne(monitor: string): Promise<ServerFinding> {
  const late = new AbortController()
  const timer = startTimer(() => late.abort(), answerTime)
  try {
    const url = new URL('jsz?config=true', monitor.endsWith('/') ? monitor : `${monitor}/`)
    const response = await fetch(url, { redirect: 'error', signal: late.signal })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const { config } = jetStream.parse(await response.json())
    if (config?.sync_always === true)
      return { severity: 'ok', check: 'durable', message: `${monitor}: each message is written to the disk at once` }
    const { sync_interval: interval } = config ?? {}
    const when = interval === undefined ? 'at times that it does not state' : `every ${interval / second} s`
    const message = `${monitor}: written to the disk ${when}: a power failure may take what was acknowledged meanwhile`
    return { severity: 'warning', check: 'durable', message, remedy }
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'it is no nats-server' : error instanceof Error ? error.message : ''
    return {
      severity: 'error',
      check: 'durable',
      message: `${monitor} cannot be read: ${reason}`,
      remedy: 'set "http: 127.0.0.1:8222" in the configuration of the server, and name that address',
    }
  } finally {
    stopTimer(timer)
  }
}
