import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Fault, type Pause, SimulatedCluster } from '../testing/simulated-cluster.ts'
import { margin } from './membership.ts'

const end = 60_000
const leases = fc.constantFrom(1_000, 2_000, 5_000)

function faults(machines: number, kinds: readonly Fault['kind'][]): fc.Arbitrary<Fault[]> {
  const fault = fc.record({
    kind: fc.constantFrom(...kinds),
    machine: fc.nat(machines - 1),
    at: fc.integer({ min: 0, max: 40_000 }),
    lasts: fc.integer({ min: 10, max: 15_000 }),
  })
  return fc.array(fault, { maxLength: 6 })
}

const pauses: fc.Arbitrary<Pause[]> = fc.array(
  fc.record({ at: fc.integer({ min: 0, max: 40_000 }), lasts: fc.integer({ min: 10, max: 8_000 }) }),
  { maxLength: 4 },
)

/** No machine acts for an incarnation that has a certificate, and no two for one name. */
function checkOwners(cluster: SimulatedCluster): void {
  for (const machine of cluster.machines) {
    const { incarnation, phase } = machine.membership
    if (phase !== 'member' || cluster.isDown(machine)) continue
    const valid = cluster.validity(machine)
    const certificate = cluster.certificates.find(
      (each) => each.node === machine.name && each.incarnation === incarnation,
    )
    if (certificate !== undefined && valid > certificate.at)
      throw new Error(`${machine.name} acts until ${valid}, and was declared dead at ${certificate.at}`)
    const rival = cluster.machines.find(
      (other) => other.number !== machine.number && other.name === machine.name && other.membership.phase === 'member',
    )
    if (rival !== undefined && valid > cluster.now && cluster.validity(rival) > cluster.now)
      throw new Error(`two machines act as ${machine.name} at ${cluster.now}`)
  }
}

/** The incarnations that were declared dead although they renewed in time. */
function falseDeaths(cluster: SimulatedCluster): readonly unknown[] {
  // A clock that is a thousandth faster reaches the end of a lease earlier.
  return cluster.certificates.filter(({ at, renewedAt, lease }) => at - renewedAt < (lease + margin) * 0.998)
}

describe('the membership, in virtual time', () => {
  it('never has two owners, nor a death of a node whose renewals are accepted', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer(),
          names: fc.constantFrom(['a', 'b', 'c'], ['a', 'b', 'a'], ['a', 'a'], ['a', 'b', 'c', 'd', 'b']),
          leases: fc.array(leases, { minLength: 5, maxLength: 5 }),
          delay: fc.integer({ min: 1, max: 1_500 }),
          faults: faults(5, ['kill', 'freeze', 'cut', 'deaf']),
          pauses,
          drift: fc.constant(0.001),
        }),
        (options) => {
          const cluster = new SimulatedCluster(options)
          cluster.run(end, () => checkOwners(cluster))
          expect(falseDeaths(cluster)).toEqual([])
        },
      ),
      { numRuns: 250 },
    )
  })

  it('declares no node dead while the bucket accepts nothing, or just afterwards', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer(),
          names: fc.constant(['a', 'b', 'c']),
          leases: leases.map((lease) => [lease, lease, lease]),
          delay: fc.integer({ min: 1, max: 40 }),
          faults: fc.constant([]),
          pauses,
          drift: fc.constant(0.001),
        }),
        (options) => {
          const cluster = new SimulatedCluster(options)
          cluster.run(end, () => checkOwners(cluster))
          expect(cluster.certificates).toEqual([])
          for (const { membership } of cluster.machines) expect(membership.phase).toBe('member')
        },
      ),
      { numRuns: 100 },
    )
  })

  it('declares a killed node dead within a lease, a renewal and the margin', () => {
    fc.assert(
      fc.property(fc.integer(), leases, fc.integer({ min: 10_000, max: 30_000 }), (seed, lease, at) => {
        const cluster = new SimulatedCluster({
          seed,
          names: ['a', 'b', 'c'],
          leases: [lease, lease, lease],
          delay: 20,
          faults: [{ kind: 'kill', machine: 0, at, lasts: 0 }],
          pauses: [],
          drift: 0.001,
        })
        cluster.run(end, () => checkOwners(cluster))
        expect(cluster.certificates).toHaveLength(1)
        expect(cluster.certificates[0]?.at).toBeLessThan(at + lease * 1.25 + 2 * margin + 100)
        const died = cluster.events.filter(({ event }) => event.type === 'died')
        expect(new Set(died.map(({ machine }) => machine))).toEqual(new Set([1, 2]))
      }),
      { numRuns: 50 },
    )
  })

  it('lets a node that was declared dead join again, as a new incarnation', () => {
    fc.assert(
      fc.property(fc.integer(), leases, fc.constantFrom('freeze', 'cut', 'deaf'), (seed, lease, kind) => {
        const cluster = new SimulatedCluster({
          seed,
          names: ['a', 'b', 'c'],
          leases: [lease, lease, lease],
          delay: 20,
          faults: [{ kind, machine: 0, at: 10_000, lasts: lease * 4 }],
          pauses: [],
          drift: 0.001,
        })
        cluster.run(end, () => checkOwners(cluster))
        const own = cluster.events.filter(({ machine, event }) => machine === 0 && event.node === 'a')
        const kinds = own.map(({ event }) => event.type)
        // What a deaf node sends is accepted, so it stays a member for the others.
        expect(kinds).toEqual(kind === 'deaf' ? kinds : ['joined', 'died', 'joined'])
        expect(cluster.machines[0]?.membership.phase).toBe('member')
      }),
      { numRuns: 100 },
    )
  })
})
