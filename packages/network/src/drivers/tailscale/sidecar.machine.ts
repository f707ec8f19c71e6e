/**
 * The life cycle of the sidecar, as a state machine: it runs as long as some node needs it. Its diagram is in
 * `docs/overlays.md`.
 */
import { asTroupeError, type Backoff, backoffDelay, type TroupeError } from '@troupe/core'
import { assign, fromPromise, setup } from 'xstate'
import type { SidecarProcess } from './sidecar-process.ts'

export interface SidecarInput {
  readonly start: () => Promise<SidecarProcess>
  /** Whether some node needs it; the event `CHANGED` reports that this may have changed. */
  readonly isNeeded: () => boolean
  readonly delays: Backoff
  /**
   * Milliseconds of run time after which a start counts as successful, so that the next delay is the initial one again.
   */
  readonly stable: number
}

interface Context extends SidecarInput {
  readonly process: SidecarProcess | undefined
  /** Consecutive failed runs. */
  readonly failures: number
  /** Why it did not start. */
  readonly error: TroupeError | undefined
}

interface Event {
  readonly type: 'CHANGED'
}

/** Used for type inference only. */
const types: { readonly context?: Context; readonly events?: Event; readonly input?: SidecarInput } = {}

export const sidecarMachine = setup({
  types,
  actors: {
    start: fromPromise<SidecarProcess, Context>(async ({ input }) => input.start()),
    run: fromPromise<string | undefined, Context>(async ({ input }) => input.process?.ended),
    stop: fromPromise<void, Context>(async ({ input }) => input.process?.stop()),
  },
  actions: {
    hold: assign({ process: (_, { process }: { process: SidecarProcess }) => process, error: undefined }),
    lose: assign({ process: undefined, failures: ({ context }) => context.failures + 1 }),
    fail: assign({
      error: (_, { error }: { error: TroupeError }) => error,
      failures: ({ context }) => context.failures + 1,
    }),
    forget: assign({ process: undefined, failures: 0, error: undefined }),
    trust: assign({ failures: 0 }),
  },
  guards: {
    isNeeded: ({ context }) => context.isNeeded(),
    isUnneeded: ({ context }) => !context.isNeeded(),
    isFinal: (_, { error }: { error: TroupeError }) => error.final,
  },
  delays: {
    stable: ({ context }) => context.stable,
    delay: ({ context }) => backoffDelay(context.delays, context.failures),
  },
}).createMachine({
  id: 'sidecar',
  context: ({ input }) => ({ ...input, process: undefined, failures: 0, error: undefined }),
  initial: 'Idle',
  states: {
    Idle: {
      entry: 'forget',
      on: { CHANGED: { guard: 'isNeeded', target: 'Starting' } },
    },
    Starting: {
      invoke: {
        src: 'start',
        input: ({ context }) => context,
        onDone: [
          {
            guard: 'isNeeded',
            target: 'Running',
            actions: { type: 'hold', params: ({ event }) => ({ process: event.output }) },
          },
          { target: 'Stopping', actions: { type: 'hold', params: ({ event }) => ({ process: event.output }) } },
        ],
        onError: [
          {
            guard: { type: 'isFinal', params: ({ event }) => thrown(event.error) },
            target: 'Refused',
            actions: { type: 'fail', params: ({ event }) => thrown(event.error) },
          },
          { target: 'Waiting', actions: { type: 'fail', params: ({ event }) => thrown(event.error) } },
        ],
      },
    },
    Running: {
      after: { stable: { actions: 'trust' } },
      invoke: {
        src: 'run',
        input: ({ context }) => context,
        onDone: { target: 'Waiting', actions: 'lose' },
      },
      on: { CHANGED: { guard: 'isUnneeded', target: 'Stopping' } },
    },
    Waiting: {
      after: { delay: 'Starting' },
      on: { CHANGED: { guard: 'isUnneeded', target: 'Idle' } },
    },
    Stopping: {
      invoke: {
        src: 'stop',
        input: ({ context }) => context,
        onDone: [{ guard: 'isNeeded', target: 'Starting', actions: 'forget' }, { target: 'Idle' }],
      },
    },
    Refused: {
      on: { CHANGED: { guard: 'isUnneeded', target: 'Idle' } },
    },
  },
})

function thrown(error: unknown): { readonly error: TroupeError } {
  return { error: asTroupeError(error) }
}
