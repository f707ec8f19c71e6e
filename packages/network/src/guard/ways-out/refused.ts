/**
 * The names that no overlay carries: the part of the table of ways out that runs in threads. The rest of the table, for
 * tests and docs, is in `known.ts`. `ways-out.test.ts` fails when Node has a name that is in neither.
 */
import { refusedInProcess } from './refused-process.ts'
import { refusedSockets } from './refused-sockets.ts'
import { refusedThreads } from './refused-threads.ts'
import type { RefusedWay } from './way.ts'

export const refusedWays: readonly RefusedWay[] = [...refusedInProcess, ...refusedThreads, ...refusedSockets]
