/** What threads tell the kernel, without asking for anything. */
import { isPid, threadOf } from '@troupe/core'
import type { DeadLetter, ToKernel } from '../protocol/kernel-thread.ts'
import type { KernelParts } from './kernel-parts.ts'
import { endForBreach } from './protocol-breach.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** The parts of the kernel that are told something. */
type Parts = Pick<
  KernelParts,
  'discovery' | 'deadLetters' | 'drains' | 'failures' | 'note' | 'processes' | 'senders' | 'privileges' | 'threads'
>

type Note = Exclude<ToKernel, { type: 'request' | 'finished' }>

export function handleThreadMessage(kernel: Parts, thread: Thread, message: Note): void {
  switch (message.type) {
    case 'failed':
      kernel.failures.told(message, thread.number)
      return
    case 'processStarted':
      kernel.discovery.onProcessStarted(message, thread)
      return
    case 'processUnknown':
      kernel.discovery.onProcessUnknown(message.pid, thread)
      return
    case 'exiting':
      if (threadOf(message.pid) === thread.number) kernel.processes.exiting(message.pid)
      return
    case 'upgradable':
      if (threadOf(message.pid) === thread.number) kernel.processes.setUpgradable(message.pid, message.on)
      return
    case 'connect':
      kernel.threads.connect(thread, message.thread)
      if (message.letters === true && thread.peers.has(message.thread)) thread.correspondents.add(message.thread)
      return
    case 'pong':
      thread.turned()
      return
    case 'dry':
      thread.dry()
      return
    case 'settling':
      thread.nativeEnd.heard()
      return
    case 'settled':
      thread.nativeEnd.over()
      return
    case 'authorize': {
      const { via, action, target } = message
      // What others may do elsewhere is no business of the thread's. It is answered all the same: what waits for the answer holds up more.
      const may = threadOf(target) === thread.number && kernel.privileges.may(via, action, target)
      thread.post({ type: 'authorized', via, action, target, may })
      return
    }
    case 'breach':
      onBreach(kernel, thread, message.thread, message.why)
      return
    case 'sender': {
      const { via, pid } = message
      const acting = threadOf(pid) === via && isWrittenTo(kernel, thread, via) ? kernel.senders.of(pid) : undefined
      thread.post({ type: 'sender', via, pid, acting })
      return
    }
    case 'streams':
      kernel.drains.told(thread, message.overlay, message.oldest)
      return
    case 'output':
      kernel.threads.print(thread, message)
      return
    case 'deadLetters':
      for (const envelope of message.letters) if (isOf(envelope, thread)) kernel.deadLetters.add(envelope)
      kernel.deadLetters.addUncounted(message.dropped)
      return
    default:
  }
}

/** Whether a thread has something to say of a message: it has sent it, or was sent it. */
function isOf({ from, to }: DeadLetter, { number }: Thread): boolean {
  return threadOf(from) === number || (isPid(to) && threadOf(to) === number)
}

/**
 * Whether a thread has messages from the thread `via`. For whom somebody acts, and with which values, is told to those alone whom they write to:
 * else any code could ask about all. The program is not asked.
 */
function isWrittenTo({ threads }: Parts, { number, peers }: Thread, via: number): boolean {
  if (!peers.has(via)) return false
  const sender = threads.get(via)
  // It has said so before it wrote.
  sender?.takeNow()
  return via === 0 || sender?.correspondents.has(number) === true
}

/**
 * The kernel's own thread is believed; of an operating-system process of its own, so is each thread that is not sealed. Another could accuse whom it
 * likes: it need not hear from them any more, and that is all.
 */
function onBreach(kernel: Parts, thread: Thread, number: number, why: string): void {
  const accused = kernel.threads.get(number)
  if (accused === undefined || !thread.peers.has(number)) return
  if (thread.number === 0 || (accused.isolated && !thread.sealed)) {
    endForBreach(kernel, accused, why)
    return
  }
  kernel.note(`thread ${thread.number} hears nothing more from thread ${number}, which broke the protocol by its word: ${why}`, {
    level: 'error',
  })
  kernel.threads.sever(thread, number)
}
