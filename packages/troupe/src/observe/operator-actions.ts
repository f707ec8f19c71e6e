/** What an operator may do to a running application. Each action leaves a line in its log. */
import { type EntryId, entryId, invalid, isPid, notFound, type Pid } from '@troupe/core'
import {
  cpuProfile,
  heapSnapshot,
  type Kernel,
  replayDeadLetter,
  type ServiceStatus,
  type Thread,
} from '@troupe/process/kernel'
import type { Queues } from '@troupe/queue/kernel'
import { Readable } from 'node:stream'
import type { LeastLevel } from '../log/levels.ts'
import type { OperatorAction } from './attach-files.ts'

/** The application that is steered. */
export interface Operable {
  readonly kernel: Kernel
  readonly queues: Queues
  closeConnection(thread: number, connection: number): void
  services(): readonly ServiceStatus[]
  /** @throws TroupeError `NotFound` */
  setLogLevel(level: LeastLevel | undefined, entry?: EntryId): void
  start(service: EntryId): Promise<unknown>
  stopService(service: EntryId): Promise<void>
}

export class OperatorActions {
  readonly #app: Operable

  constructor(app: Operable) {
    this.#app = app
  }

  /**
   * Carries out an action. Returns its result where it has one: the JSON of a profile.
   *
   * @param by - Who asked, for the line of the log.
   * @throws TroupeError with the reason.
   */
  async carryOut(asked: OperatorAction, by = 'operator'): Promise<Readable | undefined> {
    const { kernel } = this.#app
    kernel.note(`${by}: ${wordsOf(asked)}`, { level: 'warn', always: true })
    switch (asked.action) {
      case 'terminate':
        await kernel.terminate(pidOf(asked.pid))
        return undefined
      case 'cancel':
        await kernel.cancel(pidOf(asked.pid), 'an operator cancelled it')
        return undefined
      case 'close':
        this.#app.closeConnection(asked.thread, asked.connection)
        return undefined
      case 'dead-replay':
        await replayDeadLetter(kernel, asked.id)
        return undefined
      case 'dead-drop':
        kernel.deadLetters.drop(asked.id)
        return undefined
      case 'job-replay':
        await this.#app.queues.decide('replay', entryId(asked.queue), asked.id)
        return undefined
      case 'job-drop':
        await this.#app.queues.decide('drop', entryId(asked.queue), asked.id)
        return undefined
      case 'log-level':
        this.#app.setLogLevel(
          asked.level === 'configured' ? undefined : asked.level,
          asked.entry === undefined ? undefined : entryId(asked.entry),
        )
        return undefined
      case 'registry-rollback':
        await kernel.registry.rollback(asked.version)
        return undefined
      case 'profile-cpu':
        return Readable.from([await cpuProfile(this.#thread(asked.thread), asked.milliseconds)])
      case 'profile-heap':
        return heapSnapshot(this.#thread(asked.thread))
      default:
        await this.#steer(asked.action, entryId(asked.service))
        return undefined
    }
  }

  #thread(number: number): Thread {
    const thread = this.#app.kernel.threads.get(number)
    if (thread === undefined) throw notFound(`there is no thread ${number}: "troupe threads" lists them`)
    return thread
  }

  async #steer(what: 'start' | 'stop' | 'restart', service: EntryId): Promise<void> {
    const isUp = ({ state }: ServiceStatus) => state === 'Running' || state === 'Starting'
    const up = this.#app.services().filter(isUp)
    if (what !== 'start') await this.#app.stopService(service)
    if (what !== 'stop') await this.#app.start(service)
    // Its dependents stopped with it.
    if (what === 'restart') for (const { id } of up) await this.#app.start(id)
  }
}

/** An action as lines of the log show it. */
export function wordsOf(asked: OperatorAction): string {
  const { action, ...target } = asked
  return `${action} ${Object.values(target).join(separatorOf(asked))}`
}

/** A connection is named `3.17`. */
function separatorOf({ action }: OperatorAction): string {
  return action === 'close' ? '.' : ' '
}

function pidOf(text: string): Pid {
  if (isPid(text)) return text
  throw invalid(`"${text}" is not a pid`)
}
