/**
 * A process or a call played through in a runtime of its own, while the thread waits for work: V8 compiles functions when they first run, and
 * the first real one should not wait for that. It takes a third of a millisecond off a warm spawn.
 */
import { emptyFrame, entryId, FrameEncoder, pid } from '@troupe/core'
import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { CallBoard } from '../shared-memory/call-slots.ts'
import { creditWord } from '../shared-memory/credit.ts'
import type { StartProcess, ThreadData, ToThread } from '../protocol/kernel-thread.ts'
import { Runtime } from './runtime.ts'

const program = { entry: entryId('troupe:rehearsal'), module: import.meta.url, method: 'main' }
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

/** The program of the rehearsal. */
export function main(): void {}

/** Plays a process through. Nobody outside this thread hears of it. */
export async function rehearse(data: Pick<ThreadData, 'strict' | 'routeWord'>): Promise<void> {
  const kernel = new MessageChannel()
  const peer = new MessageChannel()
  const { strict, routeWord } = data
  const runtime = new Runtime({ thread: 1, port: kernel.port1, routeWord, strict, isRehearsal: true })
  const tell = (message: ToThread) => {
    kernel.port2.postMessage(message, message.type === 'channel' ? [message.port] : [])
  }
  // The other thread takes what comes, and says so.
  peer.port2.on('message', () => {
    peer.port2.postMessage([{ op: 'passed' }])
  })
  const words = { credit: creditWord(), receipt: creditWord() }
  tell({ type: 'channel', thread: 0, port: peer.port1, standing: { governed: false }, network: { overlay: null, isOwn: true }, words })
  tell({ type: 'start', process })
  await once(kernel.port2, 'message')
  runtime.close()
  kernel.port2.close()
  peer.port2.close()
}

/** The same for a call of a function. */
export async function rehearseCall(): Promise<void> {
  const { port1: port, port2: kernel } = new MessageChannel()
  const routeWord = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const runtime = new Runtime({ thread: 1, port, routeWord, strict: false, isRehearsal: true })
  const board = new CallBoard()
  board.post(0, 1)
  runtime.calls.serve({ program, board: board.memory }, (id, exit) => {
    runtime.kernel.tell({ type: 'finished', pid: id, exit })
  })
  const calls: ToThread = { type: 'calls', calls: [[pid(1, 1), new FrameEncoder().encode(emptyFrame), 0, 1]] }
  kernel.postMessage(calls)
  await once(kernel, 'message')
  runtime.close()
  kernel.close()
}
