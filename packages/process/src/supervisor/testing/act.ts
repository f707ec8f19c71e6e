/** A service whose every step a test decides: when it comes up, how it ends, how it stops. */
import type { TroupeError } from '@troupe/core'
import type { Exit } from '../../thread/process/event-queue.ts'
import type { Running, Start } from '../../service/service-instance.ts'

/** One incarnation. */
export class Act {
  /** Aborts when its start is no longer awaited. */
  readonly signal: AbortSignal
  readonly running: Promise<Running>
  /** Aborts when there is no more time to stop in order; there once it was asked to stop. */
  readonly stopping: Promise<AbortSignal>
  readonly comeUp: () => void
  readonly failToCome: (error: Error) => void
  readonly end: (exit: Exit) => void
  readonly failToStop: (error: Error) => void

  constructor(signal: AbortSignal) {
    const up = Promise.withResolvers<Running>()
    const ended = Promise.withResolvers<Exit>()
    const asked = Promise.withResolvers<AbortSignal>()
    const stopped = Promise.withResolvers<void>()
    this.signal = signal
    this.running = up.promise
    this.stopping = asked.promise
    this.comeUp = () => {
      up.resolve({
        ended: ended.promise,
        stop: async (hurry) => {
          asked.resolve(hurry)
          await stopped.promise
        },
      })
    }
    this.failToCome = up.reject
    this.failToStop = stopped.reject
    this.end = (exit) => {
      ended.resolve(exit)
      stopped.resolve()
    }
  }
}

export class Play {
  readonly acts: Act[] = []
  readonly #waiting: (() => void)[] = []

  readonly start: Start = async (signal) => {
    const act = new Act(signal)
    this.acts.push(act)
    for (const resume of this.#waiting.splice(0)) resume()
    return act.running
  }

  /** The act of that number, from 1, once it has begun. */
  async act(number: number): Promise<Act> {
    for (;;) {
      const act = this.acts[number - 1]
      if (act !== undefined) return act
      await new Promise<void>((resume) => {
        this.#waiting.push(resume)
      })
    }
  }
}

/** A service that comes up and stops at once, and runs until then. */
export function willing(log: (line: string) => void = () => undefined): Start {
  return async () => {
    log('up')
    const ended = Promise.withResolvers<Exit>()
    return {
      ended: ended.promise,
      stop: async () => {
        log('down')
        ended.resolve({ value: undefined })
      },
    }
  }
}

export const failing = (error: TroupeError): Start => {
  return async () => {
    throw error
  }
}
