import assert from 'node:assert/strict'
import { entryId } from '@troupe/core'
import fc from 'fast-check'
import { it } from 'vitest'
import type { Change } from './change.ts'
import { MemoryHistory } from './history.ts'
import { Registry } from '../registry.ts'
import { kinds } from '../testing/kinds.ts'
import { World } from '../testing/world.ts'

/** The model of the registry: every version, as ids with their references. */
interface Model {
  version: number
  readonly states: Map<number, ReadonlyMap<string, readonly string[]>>
}

interface Real {
  readonly registry: Registry
  readonly world: World
}

const names = ['a', 'b', 'c', 'd', 'e']
const idOf = (name: string) => entryId(`app:${name}`)

interface ModelChange {
  readonly op: Change['op']
  readonly name: string
  readonly to: readonly string[]
}

interface Failure {
  readonly name: string
  readonly phase: 'prepare' | 'commit'
}

class Apply implements fc.AsyncCommand<Model, Real> {
  readonly #changes: readonly ModelChange[]
  readonly #failing: Failure | undefined

  constructor(changes: readonly ModelChange[], failing: Failure | undefined) {
    this.#changes = changes
    this.#failing = failing
  }

  check = () => true

  async run(model: Model, { registry, world }: Real): Promise<void> {
    const expected = this.#expected(model.states.get(model.version) ?? new Map())
    if (this.#failing) world.failing.set(idOf(this.#failing.name), this.#failing.phase)
    const outcome = await registry.apply(this.#changes.map(changeOf)).catch((error: unknown) => String(error))
    world.failing.clear()
    assert.deepEqual(
      [typeof outcome, outcome],
      [
        expected === undefined ? 'string' : 'number',
        expected && this.#changes.length > 0 ? model.version + 1 : outcome,
      ],
    )
    if (expected !== undefined && this.#changes.length > 0) {
      model.version += 1
      model.states.set(model.version, expected)
    }
    assertSame(model, { registry, world })
  }

  /** The next state; `undefined` when the registry must reject the set. */
  #expected(now: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> | undefined {
    const next = new Map(now)
    if (new Set(this.#changes.map(({ name }) => name)).size < this.#changes.length) return undefined
    for (const { op, name, to } of this.#changes) {
      if (now.has(name) === (op === 'create')) return undefined
      if (op === 'delete') next.delete(name)
      else next.set(name, to)
    }
    const reaches = (from: string, target: string, seen = new Set<string>()): boolean =>
      (next.get(from) ?? []).some(
        (other) => other === target || (!seen.has(other) && reaches(other, target, seen.add(other))),
      )
    const sound = [...next].every(([name, to]) => to.every((other) => next.has(other)) && !reaches(name, name))
    const fails = this.#changes.some(({ name }) => name === this.#failing?.name)
    return sound && !fails ? next : undefined
  }

  toString = () => {
    const failure = this.#failing ? `, ${this.#failing.phase} of ${this.#failing.name} fails` : ''
    return `apply(${JSON.stringify(this.#changes)}${failure})`
  }
}

class RollBack implements fc.AsyncCommand<Model, Real> {
  readonly #back: number
  readonly #failing: 'prepare' | 'commit' | undefined

  constructor(back: number, failing: 'prepare' | 'commit' | undefined) {
    this.#back = back
    this.#failing = failing
  }

  check = (model: Readonly<Model>) => model.states.has(model.version - this.#back)

  async run(model: Model, { registry, world }: Real): Promise<void> {
    const wanted = model.states.get(model.version - this.#back) ?? new Map()
    const now = model.states.get(model.version) ?? new Map()
    // Restoring an older version changes the entries that were touched, even when the versions cancel each other out.
    const before = model.version
    if (this.#failing) for (const name of names) world.failing.set(idOf(name), this.#failing)
    const outcome = await registry.rollback(before - this.#back).catch((error: unknown) => String(error))
    world.failing.clear()
    if (typeof outcome === 'string') assert.notEqual(this.#failing, undefined)
    else if (outcome > before) {
      model.version = outcome
      model.states.set(outcome, wanted)
    } else assert.deepEqual(now, wanted)
    assertSame(model, { registry, world })
  }

  toString = () => `rollback(-${this.#back}${this.#failing ? `, ${this.#failing} fails` : ''})`
}

function changeOf({ op, name, to }: ModelChange): Change {
  if (op === 'delete') return { op, entry: { id: idOf(name) } }
  return { op, entry: { id: idOf(name), kind: 'test.link', to } }
}

function assertSame(model: Model, { registry, world }: Real): void {
  const state = new Map(Array.from(model.states.get(model.version) ?? [], ([name, to]) => [idOf(name), to]))
  const found = new Map(registry.entries().map(({ id, fields }) => [id, fields['to']]))
  assert.deepEqual([registry.version(), found], [model.version, state])
  assert.deepEqual(new Map(Array.from(world.running, ([id, { fields }]) => [id, fields['to']])), state)
  // The state that is updated change by change equals the result of analysing everything.
  const { levels } = registry.graph()
  const copy = new Registry({ kinds })
  copy.add(...registry.entries())
  assert.deepEqual([copy.check(), levels], [[], copy.graph().levels])
}

it('apply and rollback, with failures of every step, keep their guarantees', { timeout: 60_000 }, async () => {
  const phase = fc.constantFrom('prepare' as const, 'commit' as const)
  const name = fc.constantFrom(...names)
  const change = fc.record({
    op: fc.constantFrom('create' as const, 'update' as const, 'delete' as const),
    name,
    to: fc.uniqueArray(name, { maxLength: 2 }),
  })
  const commands = [
    fc
      .tuple(fc.array(change, { maxLength: 4 }), fc.option(fc.record({ name, phase }), { nil: undefined, freq: 3 }))
      .map(([changes, failing]) => new Apply(changes, failing)),
    fc.array(name, { minLength: 1, maxLength: 3 }).map(
      (some) =>
        new Apply(
          [...new Set(some)].map((one) => ({ op: 'create', name: one, to: [] })),
          undefined,
        ),
    ),
    fc
      .tuple(fc.nat(4), fc.option(phase, { nil: undefined, freq: 2 }))
      .map(([back, failing]) => new RollBack(back, failing)),
  ]
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 40 }), async (run) => {
      const registry = new Registry({ kinds })
      registry.open(new MemoryHistory())
      await fc.asyncModelRun(
        () => ({
          model: { version: 0, states: new Map([[0, new Map()]]) },
          real: { registry, world: new World(registry) },
        }),
        run,
      )
    }),
    { numRuns: 300 },
  )
})
