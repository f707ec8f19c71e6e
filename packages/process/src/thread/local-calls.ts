/** The calls of functions that run in one thread. */
import { errorToWire, type Pid, runInSlot, type TroupeError } from '@troupe/core'
import { snapshot } from '../mailbox/payload.ts'
import type { Program, StartCall, WireExit } from '../protocol.ts'
import { LocalCall } from './local-call.ts'
import { loadMethod } from './module.ts'

export class LocalCalls {
  readonly #running = new Map<Pid, LocalCall>()

  /** Runs a call that the kernel knows, to its end. */
  async run({ pid, program, frame }: StartCall, args: readonly unknown[]): Promise<WireExit> {
    const call = new LocalCall(pid, frame)
    this.#running.set(pid, call)
    try {
      return { value: snapshot(await Promise.race([this.#invoke(call, program, args), call.failed])) }
    } catch (error) {
      return { error: errorToWire(error) }
    } finally {
      call.end()
      this.#running.delete(pid)
    }
  }

  /** Asks a call to stop. */
  cancel(pid: Pid, reason: string): void {
    this.#running.get(pid)?.cancel(reason)
  }

  /** Waits for a call no longer, whatever its function still does. */
  abandon(pid: Pid, error: TroupeError): void {
    const call = this.#running.get(pid)
    call?.cancel(error.message)
    call?.fail(error)
  }

  /** Ends all calls: an error came that none of them caught, and it cannot be told whose it was. */
  fail(error: unknown): void {
    for (const call of this.#running.values()) call.fail(error)
  }

  #invoke(call: LocalCall, program: Program, args: readonly unknown[]): Promise<unknown> {
    return runInSlot(call.slot(), async () => {
      const method = await loadMethod(program)
      return method(...args)
    })
  }
}
