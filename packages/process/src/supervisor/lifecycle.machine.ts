/** The life cycle of a service, as a state machine. Its picture is in `docs/supervision.md`. */
import { asTroupeError, TroupeError } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'
import { assign, fromPromise, setup } from 'xstate'
import type { Exit } from '../thread/event-queue.ts'
import { isExhausted, restartDelay } from './restart.ts'

/** A service that is up. */
export interface Running {
  /** Settles when it ends, by itself or by {@link stop}. */
  readonly ended: Promise<Exit>
  /** Stops it in order; ends it when it takes too long. */
  stop(): Promise<void>
}

export interface LifecycleInput {
  readonly lifecycle: Lifecycle
  /** Brings the service up; rejects when it does not come. The signal aborts when nobody waits any more. */
  readonly start: (signal: AbortSignal) => Promise<Running>
}

interface Context extends LifecycleInput {
  /** Starts that failed in a row. */
  readonly attempts: number
  readonly error: TroupeError | undefined
  readonly running: Running | undefined
}

type Event = { readonly type: 'START' } | { readonly type: 'STOP' }

async function startInTime({ start, lifecycle }: LifecycleInput, signal: AbortSignal): Promise<Running> {
  const overdue = AbortSignal.timeout(lifecycle.startTimeout)
  const late = Promise.withResolvers<never>()
  overdue.addEventListener('abort', () => {
    late.reject(new TroupeError('Timeout', `it did not start in ${lifecycle.startTimeout} ms`))
  })
  const started = start(AbortSignal.any([signal, overdue]))
  // One that comes after all, when nobody waits any more, must not go on unsupervised.
  void started.then(
    async (running) => (signal.aborted || overdue.aborted ? running.stop() : undefined),
    () => undefined,
  )
  return Promise.race([started, late.promise])
}

/** What a service that ended by itself ended with. */
async function untilEnded({ running }: Context): Promise<Exit> {
  return running === undefined ? { value: undefined } : running.ended
}

/** For inference alone. */
const types: { readonly context?: Context; readonly events?: Event; readonly input?: LifecycleInput } = {}

/** The error that an ended start or run carries; `undefined` for a run that returned. */
type Outcome = { readonly error: TroupeError | undefined }

const started = (error: unknown): Outcome => ({ error: asTroupeError(error) })
const ran = (exit: Exit): Outcome => ({ error: 'error' in exit ? exit.error : undefined })

export const lifecycleMachine = setup({
  types,
  actors: {
    start: fromPromise<Running, LifecycleInput>(async ({ input, signal }) => startInTime(input, signal)),
    run: fromPromise<Exit, Context>(async ({ input }) => untilEnded(input)),
    stop: fromPromise<void, Context>(async ({ input }) => input.running?.stop()),
  },
  actions: {
    up: assign({ running: (_, running: Running) => running, error: undefined }),
    down: assign({
      running: undefined,
      error: (_, { error }: Outcome) => error,
      attempts: ({ context }, { error }: Outcome) => (error === undefined ? context.attempts : context.attempts + 1),
    }),
    forget: assign({ attempts: 0 }),
  },
  guards: {
    /** It returned, or failed for good, or failed as often as it may. */
    isOver: ({ context }, { error }: Outcome) =>
      error === undefined || error.final || isExhausted(context.lifecycle.restart, context.attempts + 1),
  },
  delays: {
    restartDelay: ({ context }) => restartDelay(context.lifecycle.restart, context.attempts),
    stableThreshold: ({ context }) => context.lifecycle.stableThreshold,
  },
}).createMachine({
  id: 'service',
  context: ({ input }) => ({ ...input, attempts: 0, error: undefined, running: undefined }),
  initial: 'Unknown',
  states: {
    Unknown: { on: { START: 'Starting' } },
    Starting: {
      invoke: {
        src: 'start',
        input: ({ context }) => context,
        onDone: { target: 'Running', actions: { type: 'up', params: ({ event }) => event.output } },
        onError: [
          {
            guard: { type: 'isOver', params: ({ event }) => started(event.error) },
            target: 'Exited',
            actions: { type: 'down', params: ({ event }) => started(event.error) },
          },
          { target: 'Failed', actions: { type: 'down', params: ({ event }) => started(event.error) } },
        ],
      },
      on: { STOP: 'Stopped' },
    },
    Running: {
      after: { stableThreshold: { actions: 'forget' } },
      invoke: {
        src: 'run',
        input: ({ context }) => context,
        onDone: [
          {
            guard: { type: 'isOver', params: ({ event }) => ran(event.output) },
            target: 'Exited',
            actions: { type: 'down', params: ({ event }) => ran(event.output) },
          },
          { target: 'Failed', actions: { type: 'down', params: ({ event }) => ran(event.output) } },
        ],
      },
      on: { STOP: 'Stopping' },
    },
    Failed: {
      after: { restartDelay: 'Starting' },
      on: { STOP: 'Stopped', START: 'Starting' },
    },
    Stopping: {
      invoke: { src: 'stop', input: ({ context }) => context, onDone: 'Stopped', onError: 'Stopped' },
    },
    Stopped: { on: { START: 'Starting' } },
    Exited: { on: { START: 'Starting', STOP: 'Stopped' } },
  },
})
