/**
 * Runs a sample process in a separate runtime while the thread waits for work. V8 compiles functions when they
 * first run, and the first real process should not wait for that. This saves a third of a millisecond of a warm spawn.
 */
import { emptyFrame, entryId, pid } from '@troupe/core'
import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { creditWord } from '../shared-memory/credit.ts'
import type { StartProcess, ToThread } from '../protocol/kernel-thread.ts'
import type { ThreadData } from '../protocol/thread-data.ts'
import { Runtime } from './runtime.ts'

const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
const program = {
  entry: entryId('troupe:warmup'),
  module: new URL(`./warmup-program${extension}`, import.meta.url).href,
  method: 'main',
}
const watcher = { pid: pid(0, 0), promise: 1 }

const process: StartProcess = {
  pid: pid(1, 1),
  program,
  args: [],
  frame: emptyFrame,
  queueSize: 1,
  accepts: [],
  watchers: [watcher],
  links: [],
  messages: [],
}

/** Runs a sample process. It is not visible outside this thread. */
export async function warmUp(data: Pick<ThreadData, 'strict' | 'routeEpoch'>): Promise<void> {
  const kernel = new MessageChannel()
  const peer = new MessageChannel()
  const { strict, routeEpoch } = data
  const runtime = new Runtime({ thread: 1, port: kernel.port1, routeEpoch, strict, isWarmup: true })
  const tell = (message: ToThread) => {
    kernel.port2.postMessage(message, message.type === 'channel' ? [message.port] : [])
  }
  // The other thread takes messages and reports them.
  peer.port2.on('message', () => {
    peer.port2.postMessage([{ op: 'passed' }])
  })
  const words = { credit: creditWord(), receipt: creditWord() }
  tell({
    type: 'channel',
    thread: 0,
    port: peer.port1,
    privileges: { policyEnforced: false },
    network: { overlay: null, isOwn: true },
    words,
  })
  tell({ type: 'start', process })
  await once(kernel.port2, 'message')
  runtime.close()
  kernel.port2.close()
  peer.port2.close()
}
