/** The send windows of one channel: one for each process in the other thread to which something was sent. */
import { forgetOldest, type Pid, type TroupeError } from '@troupe/core'
import { isNodeDown, nodeDown } from './node-down.ts'
import { SendWindow, type Unacknowledged } from './send-window.ts'

/** Number of closed send windows of dead processes that are remembered, so that sends to them fail at once. */
const maxClosed = 4096

/** `Through` is the channel itself. */
export class SendWindows<Through> {
  readonly #channel: Through
  readonly #open = new Map<Pid, SendWindow<Through>>()
  /** Processes that have ended. */
  readonly #dead = new Set<Pid>()

  constructor(channel: Through) {
    this.#channel = channel
  }

  /** Whether any message was not reported as taken. */
  get areUnacknowledged(): boolean {
    return this.#open.values().some((sendWindow) => sendWindow.hasUnacknowledged)
  }

  /** Returns the send window of a remote process, if something was sent to it. */
  known(pid: Pid): SendWindow<Through> | undefined {
    return this.#open.get(pid)
  }

  /** Returns the send window of a remote process. */
  get(pid: Pid): SendWindow<Through> {
    const known = this.#open.get(pid)
    if (known !== undefined) return known
    const sendWindow = new SendWindow<Through>(pid, this.#channel)
    if (this.#dead.has(pid)) sendWindow.close(0, 'it has ended')
    else this.#open.set(pid, sendWindow)
    return sendWindow
  }

  /** Closes the send window of a process that ended after `arrived` messages, and remembers this. */
  close(pid: Pid, arrived: number): Unacknowledged[] {
    this.#dead.add(pid)
    forgetOldest(this.#dead, maxClosed)
    const sendWindow = this.#open.get(pid)
    this.#open.delete(pid)
    return sendWindow?.close(arrived, 'it has ended') ?? []
  }

  /**
   * Closes the send window of a process that currently accepts nothing from this thread. This can change, so it is not
   * remembered.
   */
  refuse(pid: Pid, error: TroupeError): Unacknowledged[] {
    const sendWindow = this.#open.get(pid)
    this.#open.delete(pid)
    return sendWindow?.closeWith(0, error) ?? []
  }

  /** Closes all, because the other thread has ended. */
  closeAll(error: TroupeError): { readonly pid: Pid; readonly lost: Unacknowledged[] }[] {
    const all = [...this.#open.values()].map((sendWindow) => ({
      pid: sendWindow.pid,
      lost: isNodeDown(error)
        ? sendWindow.closeWith(0, nodeDown(error, sendWindow.pid, false), nodeDown(error, sendWindow.pid, true))
        : sendWindow.closeUncertain(error.message),
    }))
    this.#open.clear()
    return all
  }
}
