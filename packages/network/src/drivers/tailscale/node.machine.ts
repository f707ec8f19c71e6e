/** The connection of a node to its tailnet, as a state machine. Its diagram is in `docs/overlays.md`. */
import { asTroupeError, type Backoff, backoffDelay, type TroupeError } from '@troupe/core'
import { assign, fromPromise, setup } from 'xstate'

/** The actions that the machine drives: one stay in the tailnet after the other. */
export interface Stay {
  /**
   * Settles when the node and its listeners have joined. @throws TroupeError the reason why not; a final error is not
   * retried.
   */
  join(): Promise<void>
  /**
   * Settles when the sidecar has ended, so that the node joins again. Rejects when the tailnet excludes the node; after
   * a final error it stays out.
   */
  last(): Promise<void>
  /** Settles when all resources of the stay are released. */
  leave(): Promise<void>
}

export interface NodeInput {
  readonly stay: Stay
  readonly delays: Backoff
}

interface Context extends NodeInput {
  /** Consecutive failed attempts. */
  readonly failures: number
  readonly error: TroupeError | undefined
}

interface Event {
  readonly type: 'LEAVE'
}

/** Used for type inference only. */
const types: { readonly context?: Context; readonly events?: Event; readonly input?: NodeInput } = {}

export const nodeMachine = setup({
  types,
  actors: {
    join: fromPromise<void, Context>(async ({ input }) => input.stay.join()),
    last: fromPromise<void, Context>(async ({ input }) => input.stay.last()),
    leave: fromPromise<void, Context>(async ({ input }) => input.stay.leave()),
  },
  actions: {
    enter: assign({ failures: 0, error: undefined }),
    fail: assign({
      error: (_, { error }: { error: TroupeError }) => error,
      failures: ({ context }) => context.failures + 1,
    }),
  },
  guards: {
    isFinal: (_, { error }: { error: TroupeError }) => error.final,
  },
  delays: {
    delay: ({ context }) => backoffDelay(context.delays, context.failures),
  },
}).createMachine({
  id: 'tailnetNode',
  context: ({ input }) => ({ ...input, failures: 0, error: undefined }),
  initial: 'Joining',
  states: {
    Joining: {
      invoke: {
        src: 'join',
        input: ({ context }) => context,
        onDone: { target: 'Joined', actions: 'enter' },
        onError: [
          {
            guard: { type: 'isFinal', params: ({ event }) => thrown(event.error) },
            target: 'Refused',
            actions: { type: 'fail', params: ({ event }) => thrown(event.error) },
          },
          { target: 'Waiting', actions: { type: 'fail', params: ({ event }) => thrown(event.error) } },
        ],
      },
      on: { LEAVE: 'Leaving' },
    },
    Joined: {
      invoke: {
        src: 'last',
        input: ({ context }) => context,
        onDone: 'Joining',
        onError: [
          {
            guard: { type: 'isFinal', params: ({ event }) => thrown(event.error) },
            target: 'Refused',
            actions: { type: 'fail', params: ({ event }) => thrown(event.error) },
          },
          { target: 'Waiting', actions: { type: 'fail', params: ({ event }) => thrown(event.error) } },
        ],
      },
      on: { LEAVE: 'Leaving' },
    },
    Waiting: {
      after: { delay: 'Joining' },
      on: { LEAVE: 'Leaving' },
    },
    Refused: {
      on: { LEAVE: 'Leaving' },
    },
    Leaving: {
      invoke: {
        src: 'leave',
        input: ({ context }) => context,
        onDone: 'Left',
        onError: 'Left',
      },
    },
    Left: { type: 'final' },
  },
})

function thrown(error: unknown): { readonly error: TroupeError } {
  return { error: asTroupeError(error) }
}
