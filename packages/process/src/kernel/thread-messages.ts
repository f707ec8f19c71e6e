/** Messages from threads to the kernel that are not requests. */
import { isPid, threadOf } from '@troupe/core'
import type { DeadLetter, ToKernel } from '../protocol/kernel-thread.ts'
import type { KernelParts } from './kernel-parts.ts'
import { endForBreach } from './protocol-breach.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** The parts of the kernel that handle such messages. */
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
      // A thread may ask only about its own processes. The kernel replies in every case, because work that waits for
      // the reply blocks later work.
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

/** Whether a thread may report a message as a dead letter: it sent the message, or was to receive it. */
function isOf({ from, to }: DeadLetter, { number }: Thread): boolean {
  return threadOf(from) === number || (isPid(to) && threadOf(to) === number)
}

/**
 * Whether a thread has messages from the thread `via`. Actor, scope and values of a sender are disclosed only to
 * threads to which it sends; otherwise any code could query all of them. The program is never queried.
 */
function isWrittenTo({ threads }: Parts, { number, peers }: Thread, via: number): boolean {
  if (!peers.has(via)) return false
  const sender = threads.get(via)
  // The sender has announced this before it sent the messages.
  sender?.takeNow()
  return via === 0 || sender?.correspondents.has(number) === true
}

/**
 * The report of the kernel's own thread is trusted; about an operating-system process, so is the report of each thread
 * that is not sealed. Other threads could accuse any thread, so their reports only cut the channel between the two
 * threads.
 */
function onBreach(kernel: Parts, thread: Thread, number: number, why: string): void {
  const accused = kernel.threads.get(number)
  if (accused === undefined || !thread.peers.has(number)) return
  if (thread.number === 0 || (accused.isolated && !thread.sealed)) {
    endForBreach(kernel, accused, why)
    return
  }
  kernel.note(`thread ${thread.number} reads nothing more from thread ${number} and reports that it broke the protocol: ${why}`, {
    level: 'error',
  })
  kernel.threads.sever(thread, number)
}
