/** What threads tell the kernel, without asking for anything. */
import { threadOf } from '@troupe/core'
import type { ToKernel } from '../protocol.ts'
import type { Kernel } from './kernel.ts'
import type { Thread } from './thread.ts'

/** The parts of the kernel that are told something. */
type Parts = Pick<Kernel, 'births' | 'deadLetters' | 'drains' | 'failures' | 'processes' | 'standings' | 'threads'>

type Note = Exclude<ToKernel, { type: 'request' | 'finished' }>

export function noteMessage(kernel: Parts, thread: Thread, message: Note): void {
  switch (message.type) {
    case 'failed':
      kernel.failures.told(message, thread.number)
      return
    case 'born':
      kernel.births.onBorn(message, thread)
      return
    case 'unborn':
      kernel.births.onUnborn(message.pid, thread)
      return
    case 'exiting':
      if (threadOf(message.pid) === thread.number) kernel.processes.exiting(message.pid)
      return
    case 'upgradable':
      if (threadOf(message.pid) === thread.number) kernel.processes.setUpgradable(message.pid, message.on)
      return
    case 'connect':
      kernel.threads.connect(thread, message.thread)
      return
    case 'garbled':
      kernel.threads.garbled(thread, message.thread)
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
    case 'vouch': {
      const { via, action, target } = message
      // What others may do elsewhere is no business of the thread's.
      if (threadOf(target) !== thread.number) return
      thread.post({ type: 'vouched', via, action, target, may: kernel.standings.may(via, action, target) })
      return
    }
    case 'streams':
      kernel.drains.told(thread, message.overlay, message.oldest)
      return
    case 'output':
      kernel.threads.print(thread, message)
      return
    case 'deadLetters':
      for (const letter of message.letters) kernel.deadLetters.add(letter)
      kernel.deadLetters.addUncounted(message.dropped)
      return
    default:
  }
}
