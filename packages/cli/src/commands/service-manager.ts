/**
 * Reports to systemd how the application is (sd_notify(3)). Node has no Unix datagram sockets: `systemd-notify` sends
 * the messages. The variables that lead to systemd are removed, so that code of the application does not see them.
 */
import { startInterval, stopTimer, type Timer } from '@troupe/core'
import { startProgram } from '@troupe/network/kernel'
import { execFile } from 'node:child_process'

const microsecondsPerMillisecond = 1000
const nanosecondsPerMicrosecond = 1000n
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
  /** Messages that systemd has not read yet, in their order. */
  readonly #waiting: string[][] = []
  #isReloading = false
  /** Another reload was asked for while one runs. */
  #isReloadWanted = false
  #onReload: (() => void) | undefined
  #lastReload: Promise<void> = Promise.resolve()
  #isStopping = false
  readonly #started = Promise.withResolvers<void>()

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
    this.#send(['READY=1'])
    this.#started.resolve()
    if (this.#watchdog === undefined || this.#timer !== undefined) return
    this.#timer = startInterval(() => {
      if (isFine() && this.#waiting.length === 0) this.#send(['WATCHDOG=1'])
    }, this.#watchdog.pace).unref()
  }

  /**
   * Calls `reload` at each SIGHUP (`systemctl reload`), one at a time, and notifies systemd of its begin and its end.
   * Those that arrive before {@link ready} wait for it.
   *
   * @param reload - Never rejects.
   */
  reloadBy(reload: () => Promise<void>): void {
    this.#onReload = () => void this.#reloads(reload)
    process.on('SIGHUP', this.#onReload)
  }

  async #reloads(reload: () => Promise<void>): Promise<void> {
    this.#isReloadWanted = true
    if (this.#isReloading) return
    this.#isReloading = true
    await this.#started.promise
    while (this.#isReloadWanted) {
      await this.reload(async () => {
        // Those that arrive while it waits for another one are this one.
        this.#isReloadWanted = false
        await reload()
      })
    }
    this.#isReloading = false
  }

  /** Carries out a reload after those that were asked for before, and notifies systemd of its begin and its end. */
  async reload(work: () => Promise<void>): Promise<void> {
    const reload = this.#lastReload.then(async () => {
      // The clock of systemd, which compares the time with that of its request.
      const now = process.hrtime.bigint() / nanosecondsPerMicrosecond
      this.#sendOfReload(['RELOADING=1', `MONOTONIC_USEC=${now}`])
      try {
        await work()
      } finally {
        this.#sendOfReload(['READY=1'])
      }
    })
    this.#lastReload = reload.catch(() => undefined)
    await reload
  }

  /** The application stops. */
  stopping(): void {
    this.#endTimer()
    this.#isStopping = true
    this.#send(['STOPPING=1'])
  }

  [Symbol.dispose](): void {
    this.#endTimer()
    if (this.#onReload !== undefined) process.off('SIGHUP', this.#onReload)
  }

  #endTimer(): void {
    stopTimer(this.#timer)
  }

  /** A program that stops is not ready again. */
  #sendOfReload(state: string[]): void {
    if (!this.#isStopping) this.#send(state)
  }

  /** Each message is sent by a program of its own: only one at a time keeps their order. */
  #send(state: string[]): void {
    if (this.#isMissing) return
    this.#waiting.push(state)
    if (this.#waiting.length === 1) this.#sendFirst()
  }

  #sendFirst(): void {
    const [state] = this.#waiting
    if (state === undefined) return
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', NOTIFY_SOCKET: this.#socket }
    const child = startProgram(() =>
      execFile('systemd-notify', state, { env, timeout: patience }, (error) => {
        if (error !== null) this.#failed(state.join(' '), error)
        this.#waiting.shift()
        if (this.#isMissing) this.#waiting.length = 0
        this.#sendFirst()
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
