/** The `lifecycle` of entries that run under the supervisor. */
import { z } from 'zod'
import { duration, reference } from './fields.ts'

const restart = z.strictObject({
  initialDelay: duration().default(1_000).describe('Delay before the first restart.'),
  maxDelay: duration().default(90_000).describe('Maximum delay between two restarts.'),
  backoffFactor: z.number().min(1).default(2).describe('Each delay is the one before, multiplied by this factor.'),
  jitter: z.number().min(0).max(1).default(0.1).describe('Random share by which the delay varies: 0 to 1.'),
  maxAttempts: z
    .int()
    .min(0)
    .default(0)
    .describe('Number of failures in a row after which it is not started again; 0 for no limit.'),
})

const security = z.strictObject({
  actor: z
    .strictObject({
      id: z.string().min(1).describe('Id of the actor, such as `service:mailer`.'),
      meta: z.record(z.string(), z.unknown()).default({}).describe('Attributes that conditions of policies can read.'),
    })
    .optional()
    .describe('The actor for which the service acts. Default: none.'),
  groups: z.array(z.string().min(1)).default([]).describe('Groups of policies that apply to it.'),
  policies: z
    .array(reference('security.policy', 'security.policy.*'))
    .default([])
    .describe('Policies that apply to it, in addition to those of `groups`.'),
})

/**
 * `lifecycle { auto_start, start_timeout 10s, stop_timeout 10s, stable_threshold 5s, requires, restart, security }`.
 * `depends_on` is another name for `requires`; both are decoded into `requires`. Times are milliseconds. An entry that
 * has no `lifecycle` gets the defaults.
 */
export const lifecycleSchema = z
  .strictObject({
    autoStart: z.boolean().default(false).describe('Starts with the application.'),
    startTimeout: duration().default(10_000).describe('A start that takes longer has failed.'),
    stopTimeout: duration().default(10_000).describe('A service that takes longer to stop is ended.'),
    stableThreshold: duration().default(5_000).describe('After running for that long, its failures are forgotten.'),
    requires: z.array(reference()).default([]).describe('Services that must run first.'),
    dependsOn: z.array(reference()).default([]).describe('The same as `requires`.'),
    restart: restart.prefault({}).describe('When a failed service starts again.'),
    security: security.prefault({}).describe('The actor for which it acts, and the policies that apply to it.'),
  })
  .transform(({ dependsOn, requires, ...rest }) => ({ ...rest, requires: [...new Set([...requires, ...dependsOn])] }))
  .prefault({})
  .describe('How the service is started, stopped and restarted.')

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
