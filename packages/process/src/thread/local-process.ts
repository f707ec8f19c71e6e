/** A process as its own thread holds it. */
import { enterSlot, type Frame, fork, type Pid, TroupeError } from '@troupe/core'
import { Flow } from '../mailbox/flow.ts'
import { type Answer, type Letter, Message } from '../mailbox/letter.ts'
import { Mailbox } from '../mailbox/mailbox.ts'
import type { Program, Watcher, WireExit } from '../protocol.ts'
import { EventQueue } from './event-queue.ts'
import type { Birth } from './local-spawns.ts'
import { Participant } from './participant.ts'

export interface LocalProcessOptions {
  readonly pid: Pid
  readonly program: Program
  readonly frame: Frame
  readonly queueSize: number
  readonly answer: Answer
  readonly onOverflow: (letter: Letter) => void
  readonly onFlow: (process: LocalProcess, letter: Letter) => void
  /** What to tell the kernel, if it does not know the process yet. */
  readonly birth?: Birth
}

export class LocalProcess extends Participant {
  readonly program: Program
  /** Set while the kernel does not know the process. */
  birth: Birth | undefined
  readonly mailbox: Mailbox
  readonly events = new EventQueue()
  readonly controller = new AbortController()
  readonly watchers: Watcher[] = []
  readonly links = new Set<Pid>()
  /** By sending thread. */
  readonly flows = new Map<number, Flow>()
  trapLinks = false
  upgradable = false
  /** How it ended, once it has. */
  exit: WireExit | undefined
  readonly #answer: Answer
  #handled: Frame
  #handling: Frame
  #stopWaiting = new Set<() => void>()

  constructor(options: LocalProcessOptions) {
    super(options.pid, options.frame)
    this.program = options.program
    this.birth = options.birth
    this.#answer = options.answer
    this.#handled = options.frame
    this.#handling = options.frame
    this.mailbox = new Mailbox({
      capacity: options.queueSize,
      onOverflow: options.onOverflow,
      onFlow: (letter) => {
        options.onFlow(this, letter)
      },
    })
  }

  override get signal(): AbortSignal {
    return this.controller.signal
  }

  get ended(): boolean {
    return this.exit !== undefined
  }

  /** The account of a sending thread. */
  flow(thread: number): Flow {
    const known = this.flows.get(thread)
    if (known !== undefined) return known
    const flow = new Flow(thread, this.mailbox.capacity)
    this.flows.set(thread, flow)
    return flow
  }

  /** The frame in which a message is handled: a process that has no overlay of its own acts in the sender's. */
  frameFor(letter: Letter): Frame {
    if (letter.frame === this.#handled) return this.#handling
    const own = this.frame
    const overlay = own.overlay === undefined ? letter.frame.overlay : own.overlay
    this.#handled = letter.frame
    this.#handling = overlay === own.overlay && letter.frame.trace === undefined ? own : fork(own, { overlay, trace: letter.frame.trace })
    return this.#handling
  }

  /**
   * Takes the next message. Deliberately not async: the fresh slot must come into force in the caller's own synchronous stretch, and be
   * filled before the promise resolves (`docs/discoveries/0001-frames-in-loops.md`).
   */
  receive(from: Mailbox, topic: string | undefined, timeout: number | undefined): Promise<Message> {
    const slot = this.slot()
    enterSlot(slot)
    const letter = from.take(topic)
    if (letter !== undefined) {
      slot.frame = this.frameFor(letter)
      return Promise.resolve(new Message(letter, this.#answer))
    }
    if (this.controller.signal.aborted) return Promise.reject(this.#stopped())
    return new Promise((resolve, reject) => {
      const stop = () => {
        giveUp()
        clearTimeout(timer)
        this.#stopWaiting.delete(stop)
        reject(this.#stopped())
      }
      const giveUp = from.wait(topic, (next) => {
        clearTimeout(timer)
        this.#stopWaiting.delete(stop)
        slot.frame = this.frameFor(next)
        resolve(new Message(next, this.#answer))
      })
      const timer =
        timeout === undefined
          ? undefined
          : setTimeout(() => {
              giveUp()
              this.#stopWaiting.delete(stop)
              reject(
                new TroupeError(
                  'Timeout',
                  `no message${topic === undefined ? '' : ` of topic "${topic}"`} came to ${this.pid} in ${timeout} ms`,
                ),
              )
            }, timeout)
      this.#stopWaiting.add(stop)
    })
  }

  /** The messages of a mailbox, one by one, until the process is cancelled and nothing is left. */
  iterate(from: Mailbox): AsyncIterableIterator<Message> {
    const end = () => Promise.resolve<IteratorResult<Message>>({ done: true, value: undefined })
    const iterator: AsyncIterableIterator<Message> = {
      next: () =>
        this.receive(from, undefined, undefined).then(
          (value) => ({ done: false, value }),
          (error: unknown) => {
            if (this.controller.signal.aborted) return { done: true, value: undefined }
            throw error
          },
        ),
      return: end,
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** Asks the process to stop: its signal aborts, its inbox ends once it is empty. */
  cancel(reason: string): void {
    if (this.controller.signal.aborted) return
    this.events.push({ type: 'CANCEL', reason })
    this.controller.abort(new TroupeError('Canceled', reason))
    for (const stop of [...this.#stopWaiting]) stop()
  }

  /** No more letters, no more events. Answers what was not taken. */
  close(exit: WireExit): Letter[] {
    this.exit = exit
    this.events.close()
    this.controller.abort(new TroupeError('Canceled', `process ${this.pid} has ended`))
    for (const stop of [...this.#stopWaiting]) stop()
    return this.mailbox.close()
  }

  #stopped(): TroupeError {
    const reason: unknown = this.controller.signal.reason
    return reason instanceof TroupeError ? reason : new TroupeError('Canceled', `process ${this.pid} was cancelled`)
  }
}
