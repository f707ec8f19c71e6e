/** The kinds of entries that this package runs. */
import { defineKind, duration, lifecycleSchema, reference } from '@troupe/registry'
import { z } from 'zod'
import { type JsonObject, payloadSchema } from './payload-schema.ts'

type Context = Pick<z.core.$RefinementCtx, 'addIssue'>

/** `queue.queue`: jobs that are kept until they are done. */
export const queueKind = defineKind({
  kind: 'queue.queue',
  fields: () =>
    z
      .strictObject({
        schema: z
          .record(z.string(), z.unknown())
          .optional()
          .describe('JSON schema of payloads. Default: any plain data.'),
        keep: duration()
          .default(3_600_000)
          .describe('How long the id and the result of a job are kept after it was done.'),
        maxJobs: z.int().min(1).default(1_000_000).describe('Maximum number of jobs that are not done.'),
      })
      .superRefine(checkSchema),
})

const backoff = z.strictObject({
  initial: duration().default(1_000).describe('Delay after the first failure.'),
  max: duration().default(600_000).describe('Maximum delay.'),
  factor: z.number().min(1).default(2).describe('Each delay is the one before, multiplied by this factor.'),
  jitter: z.number().min(0).max(1).default(0.1).describe('Random share by which a delay varies: 0 to 1.'),
})

/** `queue.consumer`: runs the jobs of a queue, each in a call of a function or in a process of its own. */
export const consumerKind = defineKind({
  kind: 'queue.consumer',
  fields: () =>
    z
      .strictObject({
        queue: reference('queue.queue').describe('The queue whose jobs it runs.'),
        func: reference('function.ts')
          .optional()
          .describe('The function that gets the payload and the job. Either this or `process`.'),
        process: reference('process.ts').optional().describe('Program of a process that is started for each job.'),
        host: reference('process.host').optional().describe('With `process`: where the processes run.'),
        concurrency: z.int().min(1).max(1024).default(1).describe('Maximum number of jobs at a time.'),
        perKey: z
          .int()
          .min(1)
          .optional()
          .describe(
            'Maximum number of jobs of one key that have begun, and are neither done nor dead. Default: no limit.',
          ),
        maxAttempts: z.int().min(1).max(1_000).default(5).describe('Attempts after which a job that fails is dead.'),
        backoff: backoff.prefault({}).describe('The delays between attempts.'),
        ackWait: duration()
          .default(30_000)
          .describe('How long an attempt may take, without progress, before the job is given to another consumer.'),
        lifecycle: lifecycleSchema,
      })
      .superRefine(checkConsumer),
})

export type QueueFields = z.output<typeof queueKind.fields>
export type ConsumerFields = z.output<typeof consumerKind.fields>

/** The kinds of entries that this package runs. */
export const queueKinds = [queueKind, consumerKind]

const shortestWait = 100

function checkSchema({ schema }: { readonly schema?: JsonObject | undefined }, context: Context): void {
  if (schema === undefined) return
  try {
    payloadSchema(schema)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    context.addIssue({ code: 'custom', path: ['schema'], message: `it cannot be used as a JSON schema: ${message}` })
  }
}

interface Consumer {
  readonly func?: string | undefined
  readonly process?: string | undefined
  readonly host?: string | undefined
  readonly ackWait: number
  readonly lifecycle: z.output<typeof lifecycleSchema>
}

function checkConsumer({ func, process, host, ackWait, lifecycle }: Consumer, context: Context): void {
  const report = (path: string[], message: string) => {
    context.addIssue({ code: 'custom', path, message })
  }
  if ((func === undefined) === (process === undefined)) report(['func'], 'expected either "func" or "process"')
  if (process !== undefined && host === undefined) report(['host'], 'processes need a host: name one')
  if (process === undefined && host !== undefined) report(['host'], 'it belongs to "process"')
  if (ackWait < shortestWait) report(['ack_wait'], `the shortest time is ${shortestWait}ms`)
  const { actor, groups, policies } = lifecycle.security
  if (actor !== undefined || groups.length > 0 || policies.length > 0)
    report(['lifecycle', 'security'], 'a job runs for the actor that published it, under its policies: remove it')
}
