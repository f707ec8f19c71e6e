/** The work of a job is none. The last one of a measure is reported. */
import { BroadcastChannel } from 'node:worker_threads'

const channel = new BroadcastChannel('bench:queues')
channel.unref()

export function work({ isLast }: { readonly isLast: boolean }): undefined {
  if (isLast) channel.postMessage('last')
  return undefined
}
