/** A supervisor does the same as OTP's, whatever events happen. */
import { setImmediate as turn } from 'node:timers/promises'
import { entryId, TroupeError } from '@troupe/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SimulatedClock } from 'xstate'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { ProcessSupervisor } from './process-supervisor.ts'
import { childSpecError, type Rules } from './strategy.ts'
import { OtpModel } from './testing/otp-model.ts'

const rules: fc.Arbitrary<Rules> = fc.record({
  strategy: fc.constantFrom('one_for_one', 'one_for_all', 'rest_for_one'),
  maxRestarts: fc.integer({ min: 0, max: 4 }),
  maxSeconds: fc.integer({ min: 1, max: 5 }),
  autoShutdown: fc.constantFrom('never', 'any_significant', 'all_significant'),
})

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const specs = fc.record({
  id: ids,
  restart: fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const),
  significant: fc.boolean(),
})

const steps = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('exit' as const),
      id: ids,
      reason: fc.constantFrom('normal' as const, 'crash' as const),
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 6 }).map((halves) => halves * 500),
    }),
    weight: 3,
  },
  { arbitrary: fc.record({ do: fc.constant('startChild' as const), child: specs }), weight: 3 },
  {
    arbitrary: fc.record({
      do: fc.constantFrom('terminateChild' as const, 'restartChild' as const, 'deleteChild' as const),
      id: ids,
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({ do: fc.constant('failStarts' as const), id: ids, times: fc.integer({ min: 1, max: 3 }) }),
    weight: 1,
  },
)
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never

/** The real supervisor, with simulated children. */
class Real {
  readonly trace: string[] = []
  readonly clock = new SimulatedClock()
  readonly failures = new Map<string, number>()
  readonly supervisor: ProcessSupervisor
  readonly #running = new Map<string, (exit: Exit) => void>()

  constructor(rules: Rules, children: readonly ChildSpec[]) {
    this.supervisor = new ProcessSupervisor({
      name: 'app:supervisor',
      rules,
      children,
      clock: this.clock,
      isSupervisor: () => false,
      log: (line, note) => {
        // Reports of events; faults of the supervisor itself would be visible here.
        if (note?.fields?.['child'] === undefined) this.trace.push(line)
      },
      start: async ({ id }) => {
        const failures = this.failures.get(id) ?? 0
        this.failures.set(id, Math.max(0, failures - 1))
        this.trace.push(failures > 0 ? `fail ${id}` : `start ${id}`)
        if (failures > 0) throw new TroupeError('Unavailable', 'no')
        const { promise: ended, resolve } = Promise.withResolvers<Exit>()
        this.#running.set(id, resolve)
        return {
          ended,
          stop: async () => {
            this.trace.push(`stop ${id}`)
            this.#running.delete(id)
            resolve({ value: undefined })
          },
        }
      },
    })
  }

  exit(id: string, reason: 'normal' | 'crash'): void {
    this.#running.get(id)?.(reason === 'crash' ? { error: new TroupeError('Unknown', 'crash') } : { value: undefined })
    this.#running.delete(id)
  }

  /** Settles when nothing is in progress: the last request is completed last. */
  async idle(): Promise<void> {
    await turn()
    await this.supervisor.deleteChild('unknown').catch(() => undefined)
  }

  get children() {
    return this.supervisor.whichChildren().map(({ id }) => id)
  }
}

function childSpec(child: {
  readonly id: string
  readonly restart: ChildSpec['restart']
  readonly significant: boolean
}): ChildSpec {
  return { ...child, process: entryId('app:child'), input: [] }
}

async function take(step: Step, model: OtpModel, real: Real, rules: Rules): Promise<void> {
  switch (step.do) {
    case 'exit':
      model.exit(step.id, step.reason)
      real.exit(step.id, step.reason)
      return
    case 'wait':
      model.now += step.ms
      real.clock.increment(step.ms)
      return
    case 'failStarts':
      model.failures.set(step.id, step.times)
      real.failures.set(step.id, step.times)
      return
    case 'startChild': {
      const expected = childSpecError(rules, step.child) === undefined ? model.startChild(step.child) : 'refused'
      expect(await outcome(real.supervisor.startChild(childSpec(step.child)))).toBe(expected)
      return
    }
    default:
      expect(await outcome(real.supervisor[step.do](step.id))).toBe(model[step.do](step.id))
  }
}

async function outcome(asked: Promise<unknown>): Promise<'ok' | 'refused'> {
  return asked.then(
    () => 'ok',
    () => 'refused',
  )
}

describe('a supervisor of processes', () => {
  it('starts and stops as OTP does, in the same order, and ends when OTP does', async () => {
    await fc.assert(
      fc.asyncProperty(
        rules,
        fc.uniqueArray(specs, { selector: ({ id }) => id, maxLength: 5 }),
        fc.array(steps, { maxLength: 30 }),
        async (rules, given, steps) => {
          const children = given.filter((child) => childSpecError(rules, child) === undefined)
          const model = new OtpModel(rules)
          for (const child of children) model.startChild(child)
          const real = new Real(rules, children.map(childSpec))
          await real.supervisor.begin()
          let ended: Exit | undefined
          void real.supervisor.ended.then((exit) => {
            ended = exit
          })
          for (const step of steps) {
            await take(step, model, real, rules)
            await real.idle()
            expect(real.trace).toEqual(model.trace)
            expect(real.children).toEqual(model.children.map(({ id }) => id))
            expect(ended === undefined).toBe(model.alive)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
