/** The life cycle of a service, as the table of a state machine. Its diagram is in `docs/supervision.md`. */

/** States of a service. */
export type ServiceState = 'Unknown' | 'Starting' | 'Running' | 'Stopping' | 'Stopped' | 'Failed' | 'Exited'

export type Guard = 'isBlocked' | 'isDone' | 'isOver'
export type Action = 'up' | 'fail' | 'note' | 'block' | 'unblock' | 'forget' | 'hurry' | 'abandon'
export type Work = 'begin' | 'run' | 'end'
export type Delay = 'startTimeout' | 'stopTimeout' | 'stopDeadline' | 'restartDelay' | 'stableThreshold'
/** `done` and `failed` are the results of the state's work. A delay begins when the state is entered. */
export type Cause = 'START' | 'STOP' | 'done' | 'failed' | Delay

export interface Transition {
  readonly guard?: Guard
  /** Without a target, the state and its timers stay as they are. */
  readonly target?: ServiceState
  readonly actions?: readonly Action[]
}

export interface StateRules {
  readonly entry?: Action
  readonly exit?: Action
  /** What runs while it is in this state. Its result is ignored after that. */
  readonly work?: Work
  readonly delays?: readonly Delay[]
  /** The first transition whose guard holds is taken. */
  readonly on: Readonly<Partial<Record<Cause, readonly Transition[]>>>
}

const start: readonly Transition[] = [
  { guard: 'isBlocked', target: 'Failed', actions: ['block'] },
  { target: 'Starting' },
]
const startAgain: readonly Transition[] = [{ guard: 'isBlocked', actions: ['block'] }, { target: 'Starting' }]

export const lifecycleMachine: {
  readonly id: string
  readonly initial: ServiceState
  readonly states: Readonly<Record<ServiceState, StateRules>>
} = {
  id: 'service',
  initial: 'Unknown',
  states: {
    Unknown: { on: { START: start } },
    Starting: {
      entry: 'unblock',
      work: 'begin',
      delays: ['startTimeout'],
      on: {
        STOP: [{ target: 'Stopping' }],
        done: [{ target: 'Running', actions: ['up'] }],
        failed: [
          { guard: 'isOver', target: 'Exited', actions: ['fail'] },
          { target: 'Failed', actions: ['fail'] },
        ],
        startTimeout: [
          { guard: 'isOver', target: 'Exited', actions: ['abandon', 'fail'] },
          { target: 'Failed', actions: ['abandon', 'fail'] },
        ],
      },
    },
    Running: {
      work: 'run',
      delays: ['stableThreshold'],
      on: {
        STOP: [{ target: 'Stopping' }],
        done: [
          { guard: 'isDone', target: 'Exited' },
          { guard: 'isOver', target: 'Exited', actions: ['fail'] },
          { target: 'Failed', actions: ['fail'] },
        ],
        stableThreshold: [{ actions: ['forget'] }],
      },
    },
    Failed: {
      delays: ['restartDelay'],
      on: { STOP: [{ target: 'Stopped' }], START: startAgain, restartDelay: startAgain },
    },
    Stopping: {
      work: 'end',
      delays: ['stopTimeout', 'stopDeadline'],
      on: {
        done: [{ target: 'Stopped' }],
        failed: [{ target: 'Stopped', actions: ['note'] }],
        stopTimeout: [{ actions: ['hurry'] }],
        stopDeadline: [{ target: 'Stopped', actions: ['note'] }],
      },
    },
    Stopped: { exit: 'forget', on: { START: start } },
    Exited: { exit: 'forget', on: { STOP: [{ target: 'Stopped' }], START: start } },
  },
}
