/** Nodes, a bucket and a network in virtual time, for tests of the membership. */
import type { MembershipEvent, Write } from '../membership/effects.ts'
import { Membership } from '../membership/membership.ts'
import type { NodeRecord } from '../membership/record.ts'

export interface Fault {
  /** `kill`: it does not return. `freeze`: it does nothing. `cut`: nothing arrives. `deaf`: what it sends arrives. */
  readonly kind: 'kill' | 'freeze' | 'cut' | 'deaf'
  readonly machine: number
  readonly at: number
  readonly lasts: number
}

export interface Pause {
  readonly at: number
  readonly lasts: number
}

export interface SimulationOptions {
  readonly seed: number
  /** The name of the node of each machine: two may try the same one. */
  readonly names: readonly string[]
  readonly leases: readonly number[]
  /** Longest delay of a message, one way. */
  readonly delay: number
  readonly faults: readonly Fault[]
  /** When the bucket accepts nothing. */
  readonly pauses: readonly Pause[]
  /** How much faster or slower than the others a clock may be. */
  readonly drift: number
}

/** A death certificate that the bucket accepted. */
export interface Certificate {
  readonly node: string
  readonly incarnation: number
  readonly at: number
  /** When the last renewal before it was accepted. */
  readonly renewedAt: number
  readonly lease: number
}

interface Stored {
  readonly revision: number
  readonly record: NodeRecord
  readonly at: number
}

interface Machine {
  readonly number: number
  readonly name: string
  readonly membership: Membership
  readonly rate: number
  readonly offset: number
  wakeAt: number
  readonly arrivals: (() => void)[]
}

export class SimulatedCluster {
  readonly certificates: Certificate[] = []
  readonly events: { readonly machine: number; readonly at: number; readonly event: MembershipEvent }[] = []
  readonly machines: readonly Machine[]
  readonly #options: SimulationOptions
  readonly #bucket = new Map<string, Stored>()
  /** The next one is the last. */
  readonly #queue: { readonly at: number; readonly run: () => void }[] = []
  #now = 0
  #revision = 0
  #random: number

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#random = options.seed
    this.machines = options.names.map((name, number) => ({
      number,
      name,
      membership: new Membership({ node: name, boot: `boot-${number}`, lease: options.leases[number] ?? 2_000 }),
      rate: 1 + (this.#next() * 2 - 1) * options.drift,
      offset: this.#next() * 1e6,
      wakeAt: 0,
      arrivals: [],
    }))
    for (const machine of this.machines) {
      this.#at(this.#next() * 500, () => {
        const delays = [...this.#bucket].map(([node, stored]) => ({ node, stored }))
        this.#deliver(machine, () => {
          for (const { node, stored } of delays) this.#perform(machine, this.#see(machine, node, stored))
          this.#perform(machine, machine.membership.ready(this.clock(machine)))
          this.#schedule(machine)
        })
        for (const fault of options.faults) {
          if (fault.machine === machine.number && fault.kind === 'freeze')
            this.#at(fault.at + fault.lasts, () => this.#wake(machine))
        }
      })
    }
  }

  get now(): number {
    return this.#now
  }

  /** The time of a machine's own clock. */
  clock({ rate, offset }: Machine): number {
    return this.#now * rate + offset
  }

  /** Whether the machine acts as a member now, and until when in true time. */
  validity({ membership, rate, offset }: Machine): number {
    return (membership.validUntil - offset) / rate
  }

  isDown(machine: Machine): boolean {
    return this.#has(machine, ['kill'])
  }

  record(node: string): Stored | undefined {
    return this.#bucket.get(node)
  }

  /** Runs until a time, with a check after each step. */
  run(until: number, check: () => void): void {
    for (;;) {
      const first = this.#queue.at(-1)
      if (first === undefined || first.at > until) return
      this.#queue.pop()
      this.#now = first.at
      first.run()
      check()
    }
  }

  #at(at: number, run: () => void): void {
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#queue[middle]?.at ?? 0) > at) low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, { at, run })
  }

  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  #has({ number }: Machine, kinds: readonly Fault['kind'][]): boolean {
    return this.#options.faults.some(
      ({ kind, machine, at, lasts }) =>
        machine === number && kinds.includes(kind) && this.#now >= at && (kind === 'kill' || this.#now < at + lasts),
    )
  }

  get #isPaused(): boolean {
    return this.#options.pauses.some(({ at, lasts }) => this.#now >= at && this.#now < at + lasts)
  }

  /** What arrives at a frozen machine waits. */
  #deliver(machine: Machine, run: () => void): void {
    if (this.isDown(machine)) return
    if (this.#has(machine, ['freeze'])) machine.arrivals.push(run)
    else run()
  }

  #wake(machine: Machine): void {
    if (this.isDown(machine) || this.#has(machine, ['freeze'])) return
    for (const run of machine.arrivals.splice(0)) run()
  }

  #schedule(machine: Machine): void {
    const due = Math.max(machine.membership.due(this.clock(machine)), this.clock(machine) + 1)
    if (due === Infinity) return
    const at = (due - machine.offset) / machine.rate
    machine.wakeAt = at
    this.#at(at, () => {
      if (machine.wakeAt !== at) return
      this.#deliver(machine, () => {
        this.#perform(machine, machine.membership.tick(this.clock(machine)))
        this.#schedule(machine)
      })
    })
  }

  #see(machine: Machine, node: string, { revision, record }: Stored) {
    return machine.membership.see(node, revision, record, this.clock(machine))
  }

  #perform(machine: Machine, effects: ReturnType<Membership['tick']>): void {
    for (const effect of effects) {
      if (effect.type === 'event') this.events.push({ machine: machine.number, at: this.#now, event: effect.event })
      else if (effect.type === 'write') this.#send(machine, effect.write)
      else this.#read(machine, effect.node)
    }
  }

  #read(machine: Machine, node: string): void {
    this.#at(this.#now + this.#next() * this.#options.delay, () => {
      const found = this.#bucket.get(node)
      if (found === undefined || this.#has(machine, ['cut', 'deaf'])) return
      this.#deliver(machine, () => {
        this.#perform(machine, this.#see(machine, node, found))
        this.#schedule(machine)
      })
    })
  }

  #send(machine: Machine, write: Write): void {
    const isLost = this.#has(machine, ['cut'])
    const timeout = machine.membership.phase === 'left' ? 0 : 2_000
    let isSettled = false
    const answer = (run: () => ReturnType<Membership['tick']>) => {
      this.#deliver(machine, () => {
        if (isSettled) return
        isSettled = true
        this.#perform(machine, run())
        this.#schedule(machine)
      })
    }
    this.#at(this.#now + timeout, () => {
      answer(() => {
        machine.membership.failed(write.id)
        return []
      })
    })
    if (isLost) return
    this.#at(this.#now + this.#next() * this.#options.delay, () => {
      if (this.#isPaused) return
      const revision = this.#store(write)
      this.#at(this.#now + this.#next() * this.#options.delay, () => {
        if (this.#has(machine, ['cut', 'deaf'])) return
        answer(() =>
          revision === undefined
            ? machine.membership.refused(write.id)
            : machine.membership.accepted(write.id, revision, this.clock(machine)),
        )
      })
    })
  }

  /** Returns the new revision, if the bucket accepts the write. */
  #store({ purpose, node, record, expected }: Write): number | undefined {
    const former = this.#bucket.get(node)
    if (purpose === 'probe') return (this.#revision += 1)
    if ((former?.revision ?? 0) !== expected) return undefined
    this.#revision += 1
    const stored: Stored = { revision: this.#revision, record, at: this.#now }
    this.#bucket.set(node, stored)
    if (purpose === 'certificate' && former !== undefined && record.incarnation !== undefined)
      this.certificates.push({
        node,
        incarnation: record.incarnation,
        at: this.#now,
        renewedAt: former.at,
        lease: record.lease,
      })
    for (const machine of this.machines) this.#publish(machine, node, stored)
    return this.#revision
  }

  /** The watch delivers in order; the state machine ignores revisions that are not new. */
  #publish(machine: Machine, node: string, stored: Stored): void {
    this.#at(this.#now + this.#next() * this.#options.delay, () => {
      if (this.#has(machine, ['cut', 'deaf'])) {
        // The watch begins again later, with the last record of each node.
        this.#at(this.#now + 500, () => {
          const latest = this.#bucket.get(node)
          if (latest !== undefined) this.#publish(machine, node, latest)
        })
        return
      }
      this.#deliver(machine, () => {
        this.#perform(machine, this.#see(machine, node, stored))
        this.#schedule(machine)
      })
    })
  }
}
