/** Two nodes that exchange batches over a network that loses, doubles and reorders them, in virtual time. */
import { NodeSession, type SessionEffect } from '../transport/node-session.ts'

const limits = { window: 64, largestPart: 16, largestBody: 256 }

export interface SimulatedNode {
  readonly session: NodeSession
  /** Which two incarnations it believes to talk. */
  readonly pair: bigint
  readonly put: string[]
  readonly taken: string[]
  readonly resets: string[]
}

interface Flight {
  readonly bytes: Uint8Array
  readonly to: number
}

export class SimulatedNodes {
  now = 0
  readonly ends: SimulatedNode[]
  /** All sessions that there ever were. */
  readonly history: SimulatedNode[]
  readonly #flying: Flight[] = []
  #puts = 0

  constructor() {
    this.ends = [simulatedNode(1n), simulatedNode(1n)]
    this.history = [...this.ends]
  }

  /** The session of an end. */
  end(index: number): SimulatedNode {
    const found = this.ends[index]
    if (found === undefined) throw new Error(`there is no end ${index}`)
    return found
  }

  put(index: number, length: number): void {
    const end = this.end(index)
    const body = `${this.#puts}:`.padEnd(length, 'x')
    this.#puts += 1
    end.put.push(body)
    this.#perform(index, end.session.put(new TextEncoder().encode(body), this.now))
  }

  /** Delivers the batch at that place of all that are under way. */
  deliver(place: number): void {
    const [flight] = this.#flying.splice(place % Math.max(1, this.#flying.length), 1)
    if (flight !== undefined) this.#arrive(flight)
  }

  lose(place: number): void {
    this.#flying.splice(place % Math.max(1, this.#flying.length), 1)
  }

  double(place: number): void {
    const flight = this.#flying[place % Math.max(1, this.#flying.length)]
    if (flight !== undefined) this.#flying.push(flight)
  }

  /** Bytes that are no batch, or another one than was sent. */
  garble(index: number, place: number, bytes: Uint8Array): void {
    const flight = this.#flying[place % Math.max(1, this.#flying.length)]
    const header = flight?.to === index ? flight.bytes.subarray(0, bytes.length % 18) : new Uint8Array(0)
    this.#arrive({ to: index, bytes: Uint8Array.from([...header, ...bytes]) })
  }

  reconnect(index: number): void {
    this.end(index).session.disconnected()
    this.#perform(index, this.end(index).session.reconnected(this.now))
  }

  hold(index: number, isHeld: boolean): void {
    this.#perform(index, this.end(index).session.hold(isHeld, this.now))
  }

  /** An end is another incarnation: it knows that at once, the other end later. */
  restart(index: number, pair: bigint): void {
    const next = simulatedNode(pair)
    this.ends[index] = next
    this.history.push(next)
  }

  wait(milliseconds: number): void {
    const until = this.now + milliseconds
    for (;;) {
      const next = Math.min(...this.ends.map(({ session }) => session.due))
      if (next > until) break
      this.now = Math.max(this.now, next)
      for (const [index, { session }] of this.ends.entries())
        if (session.due <= this.now) this.#perform(index, session.tick(this.now))
    }
    this.now = until
  }

  /** The network works again: everything arrives, and both ends have the time that they need. */
  settle(): void {
    this.hold(0, false)
    this.hold(1, false)
    for (let round = 0; round < 200; round += 1) {
      while (this.#flying.length > 0) this.deliver(0)
      if (this.ends.every(({ session }) => !session.isPending && session.due === Infinity)) return
      this.wait(1_000)
    }
    throw new Error('the two ends did not come to rest')
  }

  #arrive({ to, bytes }: Flight): void {
    this.#perform(to, this.end(to).session.receive(bytes, this.now))
  }

  #perform(index: number, effects: readonly SessionEffect[]): void {
    const end = this.end(index)
    for (const effect of effects) {
      if (effect.type === 'publish') this.#flying.push({ to: 1 - index, bytes: effect.bytes })
      else if (effect.type === 'body') end.taken.push(new TextDecoder().decode(effect.body))
      else end.resets.push(effect.why)
    }
  }
}

function simulatedNode(pair: bigint): SimulatedNode {
  return { session: new NodeSession({ ...limits, pair }), pair, put: [], taken: [], resets: [] }
}
