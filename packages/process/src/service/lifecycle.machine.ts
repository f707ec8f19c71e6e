/** The life cycle of a service, as a state machine. Its diagram is in `docs/supervision.md`. */
import { asTroupeError, TroupeError } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'
import { assign, fromPromise, setup } from 'xstate'
import type { Exit } from '../thread/process/event-queue.ts'
import type { ServiceInstance } from './service-instance.ts'
import { isExhausted, restartDelay } from './restart.ts'

/** Milliseconds that a service has to end after its stop timeout. Then it counts as stopped in any case. */
const graceAfterStop = 5_000

export interface LifecycleInput {
  readonly lifecycle: Lifecycle
  readonly instance: ServiceInstance
  /** Why it cannot start now, if something that it needs is down. */
  readonly blockedBy: () => TroupeError | undefined
}

interface Context extends LifecycleInput {
  /** Number of consecutive failed starts and runs. */
  readonly attempts: number
  readonly error: TroupeError | undefined
  /**
   * It failed because something that it needs is down. This does not count as an attempt, and no timer restarts it.
   */
  readonly blocked: boolean
}

type Event = { readonly type: 'START' } | { readonly type: 'STOP' }

/** Only for type inference. */
const types: { readonly context?: Context; readonly events?: Event; readonly input?: LifecycleInput } = {}

/** The error that an ended start or run carries; `undefined` for a run that returned. */
type Outcome = { readonly error: TroupeError | undefined }

const thrown = (error: unknown): Outcome => ({ error: asTroupeError(error) })
const ran = (exit: Exit): Outcome => ({ error: 'error' in exit ? exit.error : undefined })
const tooLate = ({ lifecycle }: Context): Outcome => thrown(new TroupeError('Timeout', `it did not start in ${lifecycle.startTimeout} ms`))
const tooSlow = ({ lifecycle }: Context): Outcome =>
  thrown(new TroupeError('Timeout', `it did not stop in ${lifecycle.stopTimeout} ms, and could not be ended`))

export const lifecycleMachine = setup({
  types,
  actors: {
    begin: fromPromise<void, Context>(async ({ input }) => input.instance.begin()),
    run: fromPromise<Exit, Context>(async ({ input }) => input.instance.ended()),
    end: fromPromise<void, Context>(async ({ input }) => input.instance.end()),
  },
  actions: {
    up: assign({ error: undefined }),
    fail: assign({ error: (_, { error }: Outcome) => error, attempts: ({ context }) => context.attempts + 1 }),
    note: assign({ error: (_, { error }: Outcome) => error }),
    block: assign({ error: ({ context }) => context.blockedBy(), blocked: true }),
    unblock: assign({ blocked: false }),
    forget: assign({ attempts: 0, error: undefined }),
    hurry: ({ context }) => context.instance.hurry(),
    abandon: ({ context }) => context.instance.abandon(),
  },
  guards: {
    isBlocked: ({ context }) => context.blockedBy() !== undefined,
    /** It returned. */
    isDone: (_, { error }: Outcome) => error === undefined,
    /** It failed permanently, or has used up its attempts. */
    isOver: ({ context }, { error }: Outcome) => error?.final === true || isExhausted(context.lifecycle.restart, context.attempts + 1),
  },
  delays: {
    startTimeout: ({ context }) => context.lifecycle.startTimeout,
    stopTimeout: ({ context }) => context.lifecycle.stopTimeout,
    stopDeadline: ({ context }) => context.lifecycle.stopTimeout + graceAfterStop,
    restartDelay: ({ context }) => restartDelay(context.lifecycle.restart, context.attempts),
    stableThreshold: ({ context }) => context.lifecycle.stableThreshold,
  },
}).createMachine({
  id: 'service',
  context: ({ input }) => ({ ...input, attempts: 0, error: undefined, blocked: false }),
  initial: 'Unknown',
  states: {
    Unknown: {
      on: { START: [{ guard: 'isBlocked', target: 'Failed', actions: 'block' }, { target: 'Starting' }] },
    },
    Starting: {
      entry: 'unblock',
      invoke: {
        src: 'begin',
        input: ({ context }) => context,
        onDone: { target: 'Running', actions: 'up' },
        onError: [
          {
            guard: { type: 'isOver', params: ({ event }) => thrown(event.error) },
            target: 'Exited',
            actions: { type: 'fail', params: ({ event }) => thrown(event.error) },
          },
          { target: 'Failed', actions: { type: 'fail', params: ({ event }) => thrown(event.error) } },
        ],
      },
      after: {
        startTimeout: [
          {
            guard: { type: 'isOver', params: ({ context }) => tooLate(context) },
            target: 'Exited',
            actions: ['abandon', { type: 'fail', params: ({ context }) => tooLate(context) }],
          },
          { target: 'Failed', actions: ['abandon', { type: 'fail', params: ({ context }) => tooLate(context) }] },
        ],
      },
      on: { STOP: 'Stopping' },
    },
    Running: {
      after: { stableThreshold: { actions: 'forget' } },
      invoke: {
        src: 'run',
        input: ({ context }) => context,
        onDone: [
          { guard: { type: 'isDone', params: ({ event }) => ran(event.output) }, target: 'Exited' },
          {
            guard: { type: 'isOver', params: ({ event }) => ran(event.output) },
            target: 'Exited',
            actions: { type: 'fail', params: ({ event }) => ran(event.output) },
          },
          { target: 'Failed', actions: { type: 'fail', params: ({ event }) => ran(event.output) } },
        ],
      },
      on: { STOP: 'Stopping' },
    },
    Failed: {
      after: { restartDelay: [{ guard: 'isBlocked', actions: 'block' }, { target: 'Starting' }] },
      on: { STOP: 'Stopped', START: [{ guard: 'isBlocked', actions: 'block' }, { target: 'Starting' }] },
    },
    Stopping: {
      invoke: {
        src: 'end',
        input: ({ context }) => context,
        onDone: 'Stopped',
        onError: { target: 'Stopped', actions: { type: 'note', params: ({ event }) => thrown(event.error) } },
      },
      after: {
        stopTimeout: { actions: 'hurry' },
        stopDeadline: { target: 'Stopped', actions: { type: 'note', params: ({ context }) => tooSlow(context) } },
      },
    },
    Stopped: {
      exit: 'forget',
      on: { START: [{ guard: 'isBlocked', target: 'Failed', actions: 'block' }, { target: 'Starting' }] },
    },
    Exited: {
      exit: 'forget',
      on: { STOP: 'Stopped', START: [{ guard: 'isBlocked', target: 'Failed', actions: 'block' }, { target: 'Starting' }] },
    },
  },
})
