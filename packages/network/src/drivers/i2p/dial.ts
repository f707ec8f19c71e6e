/** One dial: its own socket to the bridge, on the session that all threads share. */
import { type Backoff, backoffDelay, sleep, type TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import type { DialOptions } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { connectTo } from './commands.ts'
import { greeted, type Patience } from './sam-connection.ts'
import { asError, type Failures } from './errors.ts'
import { awaitFirstByte } from './first-byte.ts'
import { configOf, defaultTimeouts, type I2pRoute } from './route.ts'

const defaultTimeout = 30_000
const delays: Backoff = { initial: 50, max: 1000 }
/** A router that reports sooner than this that it finds no path has not searched for one yet. */
const quick = 1000

export class StreamDial {
  readonly #config: I2pRoute
  readonly #failures: Failures
  readonly #destination: string
  readonly #patience: Patience
  readonly #timeout: number
  readonly #until: number

  constructor(
    route: Route,
    destination: string,
    { signal, timeout = defaultTimeout }: DialOptions,
    failures: Failures,
  ) {
    this.#config = configOf(route)
    this.#failures = failures
    this.#destination = destination
    this.#timeout = timeout
    this.#until = performance.now() + timeout
    const { timeouts = defaultTimeouts } = this.#config
    this.#patience = { timeouts, failures, signal, caller: { timeout, until: this.#until } }
  }

  /** Retries while the session is being built or rebuilt, for as long as the entry allows. @throws TroupeError */
  async run(): Promise<Socket> {
    const waitUntil = performance.now() + this.#patience.timeouts.wait
    for (let failures = 1; ; failures += 1) {
      const delay = backoffDelay(delays, failures)
      const began = performance.now()
      try {
        return await this.#attempt()
      } catch (thrown) {
        const error = asError(thrown)
        if (!passes(error, performance.now() - began) || performance.now() + delay > waitUntil) throw error
        await this.#pause(delay, error)
      }
    }
  }

  async #attempt(): Promise<Socket> {
    const { bridge, session } = this.#config
    const { timeouts, signal } = this.#patience
    const conversation = await greeted(bridge, this.#patience)
    await conversation.ask(connectTo(session, this.#destination), {
      stage: 'request',
      limit: 'dial_timeout',
      topic: 'STREAM STATUS',
    })
    const socket = conversation.release()
    if (signal?.aborted === true) {
      socket.destroy()
      throw this.#failures.canceled()
    }
    awaitFirstByte(socket, timeouts.firstByte, () =>
      this.#failures.late('first_byte_timeout', timeouts.firstByte, 'stream'),
    )
    return socket
  }

  async #pause(delay: number, last: TroupeError): Promise<void> {
    const { signal } = this.#patience
    const left = this.#until - performance.now()
    await sleep(Math.min(delay, Math.max(0, left)), signal).catch(() => {
      throw this.#failures.canceled()
    })
    if (delay >= left) throw this.#failures.timedOut(this.#timeout, 'request', last)
  }
}

/** Whether the failure may pass soon: the router or the session is absent, or not ready. */
function passes({ kind, details }: TroupeError, took: number): boolean {
  if (kind !== 'Unavailable') return false
  if (details['replyCode'] === 'CANT_REACH_PEER') return took < quick
  return (
    details['result'] === 'INVALID_ID' ||
    (details['code'] !== undefined && details['result'] === undefined && details['replyCode'] === undefined)
  )
}
