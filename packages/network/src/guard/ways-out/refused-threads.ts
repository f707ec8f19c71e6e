/** Threads beside those of the application, and functions that would hand work to them. */
import { isOwnThread } from '../node/own-threads.ts'
import { isWholeProgram } from '../whole-program.ts'
import type { RefusedWay } from './way.ts'

const spawnInstead =
  'A thread started by hand has no guard: start a process of the ' +
  'application (processes.spawn), which has a thread of its own'

export const refusedThreads: readonly RefusedWay[] = [
  {
    module: 'worker_threads',
    names: 'Worker',
    advice: spawnInstead,
    own: (args) => isOwnThread(args) || isWholeProgram(),
  },
  // With --experimental-web-worker.
  { module: 'globalThis', names: 'Worker', advice: spawnInstead, programAdvice: 'Use Worker of node:worker_threads' },
  {
    module: 'worker_threads',
    names: 'postMessageToThread',
    answer: 'reject',
    own: isWholeProgram,
    advice: 'It would hand work to a thread of another network: send a message to a process (processes.send)',
  },
  {
    module: 'module',
    names: 'register',
    // The thread of hooks runs the preload of the program too.
    own: isWholeProgram,
    advice:
      'Its hooks run in a thread of their own, without a guard: ' +
      'use module.registerHooks, whose hooks run in this thread',
  },
]
