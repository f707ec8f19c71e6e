/** Messages from threads to the kernel that are not requests. */
import { emptyFrame, errorToWire, fork, isPid, notFound, type Pid, threadOf } from '@troupe/core'
import type { KeptLetter } from '../mailbox/dead-letters.ts'
import type { LostLetter, RemoteNote, ToKernel } from '../protocol/kernel-thread.ts'
import { processEnded } from './ends.ts'
import type { KernelParts } from './kernel-parts.ts'
import { clearNetwork } from './network/networks.ts'
import { endForBreach } from './protocol-breach.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** The parts of the kernel that handle such messages. */
type Parts = Pick<
  KernelParts,
  | 'deliveries'
  | 'discovery'
  | 'deadLetters'
  | 'inspector'
  | 'drains'
  | 'failures'
  | 'note'
  | 'processes'
  | 'senders'
  | 'privileges'
  | 'threads'
>

type Note = Exclude<ToKernel, { readonly type: 'request' }>

type NoteHandlers = {
  readonly [Type in Note['type']]: (message: Extract<Note, { readonly type: Type }>, thread: Thread) => void
}

function handlersOf(kernel: Parts): NoteHandlers {
  const isOf = (pid: Pid, { number }: Thread) => threadOf(pid) === number
  return {
    // Handled where the thread is started.
    ready: () => undefined,
    finished: ({ pid, exit }, thread) => {
      processEnded(kernel, thread, pid, exit)
    },
    failed: (message, thread) => {
      kernel.failures.onFailed(message, thread)
    },
    processStarted: (message, thread) => {
      kernel.discovery.onProcessStarted(message, thread)
    },
    processUnknown: ({ pid }, thread) => {
      kernel.discovery.onProcessUnknown(pid, thread)
    },
    exiting: ({ pid }, thread) => {
      if (isOf(pid, thread)) kernel.processes.exiting(pid)
    },
    upgradable: ({ pid, on }, thread) => {
      if (isOf(pid, thread)) kernel.processes.setUpgradable(pid, on)
    },
    connect: ({ thread: number, letters }, thread) => {
      kernel.threads.connect(thread, number)
      if (letters === true && thread.peers.has(number)) thread.correspondents.add(number)
    },
    remote: (message, thread) => {
      aboutRemote(kernel, message, thread)
    },
    pong: (_, thread) => {
      thread.turned()
    },
    dry: (_, thread) => {
      thread.dry()
    },
    settling: (_, thread) => {
      thread.nativeEnd.heard()
    },
    settled: (_, thread) => {
      thread.nativeEnd.over()
    },
    authorize: ({ via, action, target }, thread) => {
      // A thread may ask only about its own processes. The kernel replies in every case, because work that waits for
      // the reply blocks later work.
      const may = isOf(target, thread) && kernel.privileges.may(via, action, target)
      thread.post({ type: 'authorized', via, action, target, may })
    },
    breach: ({ thread: number, why }, thread) => {
      onBreach(kernel, thread, number, why)
    },
    sender: ({ via, pid }, thread) => {
      const acting = threadOf(pid) === via && isWrittenTo(kernel, thread, via) ? kernel.senders.of(pid) : undefined
      thread.post({ type: 'sender', via, pid, acting })
    },
    streams: ({ overlay, oldest }, thread) => {
      kernel.drains.onReport(thread, overlay, oldest)
    },
    inspected: ({ number, cells, isLast }, thread) => {
      kernel.inspector.onInspected(thread, number, cells, isLast)
    },
    delivered: ({ number, outcome }, thread) => {
      kernel.deliveries.onReport(number, outcome, thread)
    },
    output: (message, thread) => {
      kernel.threads.print(thread, message)
    },
    deadLetters: ({ letters, dropped }, thread) => {
      for (const letter of letters)
        if (mayReport(letter, thread))
          kernel.deadLetters.add(letter, senderOf(kernel, letter, thread), nameOf(kernel, letter))
      kernel.deadLetters.addUncounted(dropped)
    },
  }
}

/** A thread wants to reach a thread of another node, or has a question about it. */
function aboutRemote({ threads: { remotes } }: Parts, message: RemoteNote, thread: Thread): void {
  const { place } = message
  if (message.about === 'reach') {
    if (remotes !== undefined) remotes.reach(thread, place)
    else thread.post({ type: 'remoteGone', place, error: errorToWire(notFound('this application is in no cluster')) })
  } else if (message.about === 'breach') remotes?.breach(thread, place, message.why)
  else {
    const { action, target } = message
    // A thread may ask only about its own processes, and is always answered.
    const reply = (may: boolean) => {
      thread.post({ type: 'remoteAuthorized', place, action, target, may })
    }
    if (remotes === undefined || threadOf(target) !== thread.number) reply(false)
    else remotes.may(place, action, target).then(reply, () => reply(false))
  }
}

/** Handles messages of one type, which the types do not name here. */
interface NoteHandler {
  handle(message: Note, thread: Thread): void
}

/** The messages of threads that are not requests: one table of what handles each. */
export class ThreadMessageTable {
  readonly #handlers = new Map<string, NoteHandler>()

  constructor(kernel: Parts) {
    const all = handlersOf(kernel)
    const isType = (type: string): type is Note['type'] => Object.hasOwn(all, type)
    for (const type of Object.keys(all).filter(isType)) this.#handlers.set(type, { handle: all[type] })
  }

  handle(thread: Thread, message: Note): void {
    this.#handlers.get(message.type)?.handle(message, thread)
  }
}

/** Whether a thread may report a message as a dead letter: it sent the message, or was to receive it. */
function mayReport({ from, to }: LostLetter, { number }: Thread): boolean {
  return threadOf(from) === number || (isPid(to) && threadOf(to) === number)
}

/**
 * For whom a letter of a thread may be sent once more. A thread speaks for its own processes, and for the senders that
 * it knows: for any other the content is not kept.
 */
function senderOf(kernel: Parts, { from, kept }: LostLetter, thread: Thread): Omit<KeptLetter, 'content'> | undefined {
  if (kept === undefined) return undefined
  const via = threadOf(from)
  const network = kernel.threads.get(via)?.network ?? (via === 0 ? clearNetwork : undefined)
  if (network === undefined || (via !== thread.number && !isWrittenTo(kernel, thread, via))) return undefined
  // The frame itself, where the kernel has it: that of the program is trusted.
  const known = kernel.processes.get(from)?.frame
  const identity = kernel.senders.of(from)
  // A thread under policies may name a sender that never was, which would be governed by none.
  if (known === undefined && identity === undefined && kernel.privileges.of(via).policyEnforced) return undefined
  return { acting: known ?? fork(emptyFrame, { ...identity, overlay: network.overlay }), network }
}

/** The name of the addressee: another process may have it by now. */
function nameOf({ processes }: Parts, { to }: LostLetter): string | undefined {
  return isPid(to) ? processes.nameOf(to) : undefined
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
  kernel.note(
    `thread ${thread.number} reads nothing more from thread ${number} and reports that it broke the protocol: ${why}`,
    {
      level: 'error',
    },
  )
  kernel.threads.sever(thread, number)
}
