/** The kinds of entries that this package runs. */
import { defineKind, duration, sourceModule } from '@troupe/registry'
import { z } from 'zod'

const threads = z.strictObject({
  /** Threads that are always kept. */
  min: z.int().min(0).default(0),
  /** Maximum number of threads. @default the number of cores */
  max: z.int().min(1).optional(),
  /** How long a thread above `min` waits for work before it ends. */
  idleTimeout: duration().default(30_000),
  /** Maximum number of calls that wait for a thread; further calls fail with `Unavailable`. */
  queue: z.int().min(0).default(10_000),
  /**
   * Maximum number of isolation keys, of overlays that isolate by actor or process, that have threads or wait for one.
   * Further calls fail with `RateLimited`.
   */
  maxIsolationKeys: z.int().min(1).default(64),
})

/** A pool of threads, or `inline`: the caller's own thread. */
const pool = z.union([z.literal('inline'), threads], 'expected "inline", or a pool such as { max: 4 }')

export type PoolSettings = z.output<typeof threads>

/** The pool of functions whose entry configures none. */
export const defaultPool: PoolSettings = threads.parse({})

/** `function.ts`: a stateless function, called by id. It runs on a pool of threads, or in the caller's thread. */
export const functionKind = defineKind({
  kind: 'function.ts',
  fields: z.strictObject({
    source: sourceModule(),
    /** Name of the exported function. */
    method: z.string().min(1).default('handler'),
    pool: pool.default(defaultPool),
  }),
})

export const functionKinds = [functionKind]
