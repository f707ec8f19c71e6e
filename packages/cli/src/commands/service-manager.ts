/**
 * Reports to systemd how the application is (sd_notify(3)). Node has no Unix datagram sockets: `systemd-notify` sends
 * the messages. The variables that lead to systemd are removed, so that code of the application does not see them.
 */
import { startInterval, stopTimer, type Timer } from '@troupe/core'
import { startProgram } from '@troupe/network/kernel'
import { execFile } from 'node:child_process'

const microsecondsPerMillisecond = 1000
/** Milliseconds that systemd may take to read a message. */
const patience = 10_000

interface Watchdog {
  /** Milliseconds between two messages: half of the time after which systemd ends the program. */
  readonly pace: number
}

export class ServiceManager implements Disposable {
  readonly #socket: string
  readonly #watchdog: Watchdog | undefined
  readonly #warn: (line: string) => void
  #timer: Timer | undefined
  #isMissing = false
  /** Until systemd has read the message. */
  #isSending = false

  private constructor(socket: string, watchdog: Watchdog | undefined, warn: (line: string) => void) {
    this.#socket = socket
    this.#watchdog = watchdog
    this.#warn = warn
  }

  /** Returns the service manager that started this program, if one did. Removes its variables from `env`. */
  static in(env: NodeJS.ProcessEnv, warn: (line: string) => void): ServiceManager | undefined {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = env
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) Reflect.deleteProperty(env, name)
    if (socket === undefined || socket === '') return undefined
    const pace = Number(microseconds) / microsecondsPerMillisecond / 2
    const isWatched = pace >= 1 && Number.isFinite(pace) && (pid === undefined || pid === String(process.pid))
    return new ServiceManager(socket, isWatched ? { pace } : undefined, warn)
  }

  /**
   * The application is started. From now on the watchdog is notified that it works, while it is fine.
   *
   * @param isFine - Whether no service has failed.
   */
  ready(isFine: () => boolean): void {
    this.#send('READY=1')
    if (this.#watchdog === undefined || this.#timer !== undefined) return
    this.#timer = startInterval(() => {
      if (isFine() && !this.#isSending) this.#send('WATCHDOG=1')
    }, this.#watchdog.pace).unref()
  }

  /** The application stops. */
  stopping(): void {
    this[Symbol.dispose]()
    this.#send('STOPPING=1')
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timer)
  }

  #send(state: string): void {
    if (this.#isMissing) return
    this.#isSending = true
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', NOTIFY_SOCKET: this.#socket }
    const child = startProgram(() =>
      execFile('systemd-notify', [state], { env, timeout: patience }, (error) => {
        this.#isSending = false
        if (error !== null) this.#failed(state, error)
      }),
    )
    child.unref()
  }

  #failed(state: string, error: Error): void {
    this.#isMissing = 'code' in error && error.code === 'ENOENT'
    this.#warn(
      this.#isMissing
        ? 'troupe: systemd gets no reports of the application: systemd-notify is not installed'
        : `troupe: systemd did not get ${state}: ${error.message.split('\n', 1)[0] ?? ''}`,
    )
  }
}
