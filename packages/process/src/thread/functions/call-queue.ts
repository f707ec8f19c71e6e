/** The calls that the kernel posts to a thread of a pool. They run one after the other. */
import { afterTurn, FrameDecoder, type Pid, yieldDue } from '@troupe/core'
import { CallSlots } from '../../shared-memory/call-slots.ts'
import { Deque } from '../../mailbox/deque.ts'
import type { PostedCall, Program, Service, StartCall, WireExit } from '../../protocol/programs.ts'

export class PostedCallQueue {
  readonly #program: Program
  readonly #slots: CallSlots
  readonly #run: (start: StartCall, args: readonly unknown[]) => Promise<WireExit>
  readonly #onEnd: (pid: Pid, exit: WireExit) => void
  readonly #frames = new FrameDecoder()
  readonly #queue = new Deque<PostedCall>()
  #working = false

  constructor(
    { program, slots }: Service,
    run: (start: StartCall, args: readonly unknown[]) => Promise<WireExit>,
    onEnd: (pid: Pid, exit: WireExit) => void,
  ) {
    this.#program = program
    this.#slots = new CallSlots(slots)
    this.#run = run
    this.#onEnd = onEnd
  }

  take(calls: readonly PostedCall[]): void {
    for (const call of calls) this.#queue.push(call)
    if (!this.#working) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const [pid, reference, place, number, ...args] = next
      // Also decoded for a withdrawn call, because later calls refer to it.
      const frame = this.#frames.decode(reference)
      if (frame === undefined || !this.#slots.takeUp(place, number)) continue
      // Reported before the next call begins, which may take long, or end the thread.
      this.#onEnd(pid, await this.#run({ pid, program: this.#program, frame }, args))
      // Between two calls, the event loop serves connections and reads cancellations.
      if (yieldDue()) {
        await new Promise<void>((resolve) => {
          afterTurn(resolve, undefined)
        })
      }
    }
    this.#working = false
  }
}
