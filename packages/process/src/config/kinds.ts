/** The kinds of entries that this package runs. */
import { checkActor, defineKind, duration, lifecycleSchema, reference, sourceModule } from '@troupe/registry'
import { z } from 'zod'
import { acceptsSchema } from './accepts.ts'
import { checkIsolation, isolationFields } from '../host/process/isolation-settings.ts'
import { canSeal, cannotSeal } from '../worker-threads/sealed-flags.ts'
import { scheduleKind } from './schedule-kind.ts'
import { supervisorKind } from './supervisor-kind.ts'

/**
 * Heap and stack limits of a thread, under Node's own names (`worker_threads`, `resourceLimits`). With smaller limits a
 * thread cannot start, and with even smaller ones V8 ends the whole program
 * (`docs/discoveries/0065-small-limits-end-the-program.md`).
 */
const smallest = {
  maxOldGenerationSizeMb: 16,
  maxYoungGenerationSizeMb: 1,
  codeRangeSizeMb: 16,
  stackSizeMb: 0.5,
} as const

const resourceLimits = z
  .partialRecord(
    z.enum(['maxOldGenerationSizeMb', 'maxYoungGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb']),
    z.number().positive(),
  )
  .superRefine((limits, context) => {
    for (const [name, least] of Object.entries(smallest)) {
      const limit = Object.entries(limits).find(([key]) => key === name)?.[1]
      if (limit === undefined || limit >= least) continue
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `a thread does not start with ${limit}: expected at least ${least}`,
      })
    }
  })

/** `process.ts`: an actor's program: the function `method`, exported by the module `source`. */
export const processKind = defineKind({
  kind: 'process.ts',
  fields: () =>
    z.strictObject({
      source: sourceModule().describe('The module, in the folder of the application, such as `file://main.ts`.'),
      method: z.string().min(1).default('main').describe('Name of the exported function.'),
      accepts: acceptsSchema
        .optional()
        .describe(
          'Overlays whose messages a process of another network accepts. Default: none; all, where the entry is ' +
            'pinned to the clear network.',
        ),
    }),
})

/** `process.host`: the threads in which processes run. */
export const hostKind = defineKind({
  kind: 'process.host',
  fields: () =>
    z.strictObject({
      host: z
        .strictObject({
          isolation: z
            .enum(['thread', 'shared', 'process'])
            .default('thread')
            .refine((isolation) => isolation !== 'process' || canSeal(), { error: cannotSeal })
            .describe(
              '`thread`: a worker thread for each process. `shared`: many processes in each of `workers` threads. ' +
                '`process`: an operating-system process for each, isolated from the network, from files and from ' +
                'the program (`docs/isolation.md`).',
            ),
          ...isolationFields,
          workers: z
            .int()
            .min(1)
            .max(256)
            .optional()
            .describe('Threads of a `shared` host per network. Default: the number of cores.'),
          maxWorkers: z
            .int()
            .min(1)
            .max(1024)
            .optional()
            .describe('Threads of a `shared` host for all networks together. Default: four times `workers`.'),
          spares: z.int().min(0).max(64).default(1).describe('Threads that a `thread` host keeps warm.'),
          preload: z
            .array(reference('process.ts'))
            .optional()
            .describe(
              'Entries whose modules are loaded by the spare threads of a `thread` host before there is a process ' +
                'for them. Their top-level code runs at that time.',
            ),
          queueSize: z.int().min(1).max(1_000_000).default(1024).describe('Capacity of a mailbox.'),
          maxProcesses: z
            .int()
            .min(1)
            .optional()
            .describe('Maximum number of processes at a time; beyond it, spawning is `Unavailable`.'),
          resourceLimits: resourceLimits
            .optional()
            .describe(
              'Limits of heap and stack of each thread, in MB, as Node names them: `maxOldGenerationSizeMb`, ' +
                '`maxYoungGenerationSizeMb`, `codeRangeSizeMb`, `stackSizeMb`. Default: those of Node.',
            ),
          network: z
            .enum(['guarded', 'sealed'])
            .default('guarded')
            .refine((network) => network === 'guarded' || canSeal(), { error: cannotSeal })
            .describe(
              '`guarded`: a hook in each thread routes sockets through the overlay. `sealed`: the threads have no ' +
                'network permission at all; the kernel dials and hands over the connections (Node 26, ' +
                '`docs/coverage.md`).',
            ),
        })
        .superRefine(checkIsolation)
        .prefault({})
        .describe('Threads or operating-system processes, and their limits.'),
      lifecycle: lifecycleSchema,
    }),
})

/** `process.service`: a process that the supervisor starts, and restarts when it fails. */
export const serviceKind = defineKind({
  kind: 'process.service',
  fields: () =>
    z
      .strictObject({
        process: reference('process.ts').describe('The program of the process.'),
        host: reference('process.host').describe('The host in which it runs.'),
        input: z.array(z.unknown()).default([]).describe('Arguments of the method.'),
        name: z
          .string()
          .min(1)
          .optional()
          .describe('Name under which the running process is registered. Default: the id of this entry.'),
        accepts: acceptsSchema
          .optional()
          .describe(
            'Overlays whose messages a process of another network accepts. Default: none; all, where the entry is ' +
              'pinned to the clear network.',
          ),
        network: z
          .literal('per_sender')
          .optional()
          .describe(
            '`per_sender`: a separate process, with its own thread and state, for each network that sends to the ' +
              'service. The first message starts it.',
          ),
        idleTimeout: duration()
          .default(300_000)
          .describe('With `network: per_sender`: how long such a process lives without a message.'),
        maxIsolationKeys: z
          .int()
          .min(1)
          .default(64)
          .describe(
            'With `network: per_sender`: maximum number of isolation keys with a process, for overlays that ' +
              'isolate by actor or process. Beyond it, sending is `RateLimited`.',
          ),
        replicas: z
          .int()
          .min(0)
          .max(1024)
          .optional()
          .describe(
            'Number of processes, each supervised by itself. They are registered as `<name>/0`, `<name>/1`, …, ' +
              'and are the members of the group `<name>`; a message to `<name>` goes to one of them, in turn. ' +
              'Default: one process, whose name is `<name>`.',
          ),
        lifecycle: lifecycleSchema,
      })
      .superRefine(checkActor)
      .superRefine(checkReplicas),
})

function checkReplicas(
  { replicas, network }: { readonly replicas?: number | undefined; readonly network?: string | undefined },
  context: Pick<z.core.$RefinementCtx, 'addIssue'>,
): void {
  if (replicas === undefined || network === undefined) return
  context.addIssue({
    code: 'custom',
    path: ['replicas'],
    message: 'a service with "network: per_sender" has one process for each network: remove one of the two',
  })
}

/** The kinds of entries that this package runs. */
export const processKinds = [processKind, hostKind, serviceKind, supervisorKind, scheduleKind]
