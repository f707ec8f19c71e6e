/** The `lifecycle` of entries that run under the supervisor. */
import { z } from 'zod'
import { duration, reference } from './fields.ts'

const restart = z.strictObject({
  initialDelay: duration().default(1_000),
  maxDelay: duration().default(90_000),
  backoffFactor: z.number().min(1).default(2),
  /** Random share by which the delay varies: 0 to 1. */
  jitter: z.number().min(0).max(1).default(0.1),
  /** 0 retries for ever. */
  maxAttempts: z.int().min(0).default(0),
})

const security = z.strictObject({
  actor: z.strictObject({ id: z.string().min(1), meta: z.record(z.string(), z.unknown()).default({}) }).optional(),
  groups: z.array(z.string().min(1)).default([]),
  policies: z.array(reference('security.policy', 'security.policy.*')).default([]),
})

/**
 * `lifecycle { auto_start, start_timeout 10s, stop_timeout 10s, stable_threshold 5s, requires, restart, security }`.
 * `depends_on` is another name for `requires`; both are decoded into `requires`. Times are milliseconds. An entry that
 * has no `lifecycle` gets the defaults.
 */
export const lifecycleSchema = z
  .strictObject({
    /** Starts with the application. */
    autoStart: z.boolean().default(false),
    /** A start that takes longer has failed. */
    startTimeout: duration().default(10_000),
    /** A service that takes longer to stop is ended. */
    stopTimeout: duration().default(10_000),
    /** After running for that long, its failures are forgotten. */
    stableThreshold: duration().default(5_000),
    /** Services that must run first. */
    requires: z.array(reference()).default([]),
    /** The same as `requires`. */
    dependsOn: z.array(reference()).default([]),
    /** When a failed service starts again. */
    restart: restart.prefault({}),
    /** For whom it acts, and under which policies. */
    security: security.prefault({}),
  })
  .transform(({ dependsOn, requires, ...rest }) => ({ ...rest, requires: [...new Set([...requires, ...dependsOn])] }))
  .prefault({})

/** A `lifecycle`, decoded. */
export type Lifecycle = z.output<typeof lifecycleSchema>

/**
 * Reports policies that would never apply: without an actor, code is not checked unless `security.strict_mode` is on.
 * For a kind whose entries get no actor from elsewhere.
 */
export function checkActor(
  { lifecycle }: { readonly lifecycle: Lifecycle },
  context: Pick<z.core.$RefinementCtx, 'addIssue'>,
): void {
  const { actor, groups, policies } = lifecycle.security
  if (actor !== undefined || (groups.length === 0 && policies.length === 0)) return
  context.addIssue({
    code: 'custom',
    path: ['lifecycle', 'security', 'actor'],
    message: 'policies apply only to an actor: name the one for whom this acts',
  })
}
