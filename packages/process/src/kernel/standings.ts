/**
 * What the code in a thread as a whole may do: all that its processes and calls may, since one that is there can act as any other of the
 * thread, and may leave code behind. Other threads are told with the introduction what to take from it.
 */
import { type EntryId, type Frame, type Pid, threadOf } from '@troupe/core'
import type { Standing } from '../protocol.ts'
import type { ProcessRecord } from './process-table.ts'

export interface StandingsOptions {
  readonly governs: (frame: Frame) => boolean
  /** A thread may do more than its peers were told. */
  readonly onChange: (thread: number, standing: Standing) => void
}

interface Books {
  /** Nobody in it was ever let act without being asked about. */
  governed: boolean
  /** It has been in no overlay, or was let choose the clear network. */
  open: boolean
  /** Its first overlay. */
  overlay: EntryId | undefined
}

export class Standings {
  readonly #options: StandingsOptions
  readonly #threads = new Map<number, Books>()
  /** Threads that speak to a process because whoever configured the application said so, by that process. */
  readonly #acquainted = new Map<Pid, Set<number>>()
  /** What threads were let do to a process, as `thread action`, by that process. */
  readonly #permits = new Map<Pid, Set<string>>()

  constructor(options: StandingsOptions) {
    this.#options = options
  }

  of(thread: number): Standing {
    const books = this.#threads.get(thread)
    if (books === undefined) return { governed: true, confined: undefined }
    return { governed: books.governed, confined: books.open ? undefined : books.overlay }
  }

  /** Whether what goes out of a thread may be in no overlay. */
  isOpen(thread: number): boolean {
    return this.#threads.get(thread)?.open === true
  }

  /** A process or a call begins in a thread. */
  placed({ pid, frame }: ProcessRecord): void {
    const thread = threadOf(pid)
    this.#change(thread, (books) => {
      books.governed &&= this.#options.governs(frame)
      if (typeof frame.overlay === 'string') books.overlay ??= frame.overlay
      else books.open = true
    })
  }

  /** The code in a thread was let choose the clear network. */
  opened(thread: number): void {
    this.#change(thread, (books) => {
      books.open = true
    })
  }

  /** Some code in a thread was let do `action` to a process. */
  permitted(thread: number, action: string, target: Pid): void {
    const permits = this.#permits.get(target)
    if (permits === undefined) this.#permits.set(target, new Set([`${thread} ${action}`]))
    else permits.add(`${thread} ${action}`)
  }

  /** A thread may send to a process and monitor it, whatever policies say, now or later. */
  acquaint(thread: number, target: Pid): void {
    const known = this.#acquainted.get(target)
    if (known === undefined) this.#acquainted.set(target, new Set([thread]))
    else known.add(thread)
  }

  /** Whether a thread may do `action` to a process, as far as that was asked. */
  may(thread: number, action: string, target: Pid): boolean {
    const isSpeaking = action === 'process.send' || action === 'process.monitor'
    if (isSpeaking && this.#acquainted.get(target)?.has(thread) === true) return true
    return !this.of(thread).governed || this.#permits.get(target)?.has(`${thread} ${action}`) === true
  }

  /** A process has ended: nobody does anything to it any more. */
  ended(pid: Pid): void {
    this.#permits.delete(pid)
    this.#acquainted.delete(pid)
  }

  /** The policies have changed: what was permitted is asked again. */
  forgetPermits(): void {
    this.#permits.clear()
  }

  threadGone(thread: number): void {
    this.#threads.delete(thread)
  }

  #change(thread: number, change: (books: Books) => void): void {
    const before = this.of(thread)
    change(this.#books(thread))
    const after = this.of(thread)
    if (before.governed !== after.governed || before.confined !== after.confined) this.#options.onChange(thread, after)
  }

  #books(thread: number): Books {
    const known = this.#threads.get(thread)
    if (known !== undefined) return known
    const books: Books = { governed: true, open: false, overlay: undefined }
    this.#threads.set(thread, books)
    return books
  }
}
