/** The settings that `isolation: process` adds to a host. */
import { duration } from '@troupe/registry'
import type { ResourceLimits } from 'node:worker_threads'
import { z } from 'zod'

const path = z.string().startsWith('/', 'expected an absolute path')
const name = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable')
  .refine(
    (variable) => !/^(NODE_OPTIONS|NODE_CHANNEL_.*|LD_.*|DYLD_.*)$/.test(variable),
    'such a variable could give permissions, or code',
  )

export const isolationFields = {
  env: z
    .array(name)
    .optional()
    .describe(
      'Environment variables of the program that its processes see. Default: none; all, in threads that are not ' +
        'sealed.',
    ),
  fs: z
    .strictObject({
      read: z.array(path).optional().describe('Absolute paths that it may read.'),
      write: z.array(path).optional().describe('Absolute paths that it may read and write.'),
    })
    .optional()
    .describe('Files and folders in addition to the modules that they run.'),
  limits: z
    .strictObject({
      memoryMb: z
        .int()
        .min(32)
        .max(1 << 20)
        .optional()
        .describe("Heap, in MiB. The memory that Node needs besides is added. Default: V8's."),
      cpu: duration().optional().describe('CPU time after which a process is terminated. Default: unlimited.'),
      cpus: z
        .number()
        .min(0.01)
        .max(1024)
        .optional()
        .describe('Processors that it may use at a time, such as 0.5; only where it has a cgroup. Default: unlimited.'),
      openFiles: z
        .int()
        .min(64)
        .max(1 << 20)
        .optional()
        .describe('Maximum number of descriptors. Default: 1024.'),
      fileSizeMb: z
        .int()
        .min(1)
        .optional()
        .describe('Size limit of a file that it writes, in MiB. Default: unlimited, where it may write at all.'),
      threads: z
        .int()
        .min(32)
        .max(4096)
        .optional()
        .describe('Maximum number of threads; not enforced for root, except in a cgroup. Default: 128.'),
      nice: z.int().min(0).max(19).optional().describe('Its priority, as in `nice`: 19 is the lowest. Default: 5.'),
    })
    .optional()
    .describe('Limits that the operating system enforces for each process.'),
  sealed: z
    .strictObject({
      require: z.literal('namespaces').describe('Refuses to start without user namespaces.'),
    })
    .optional()
    .describe(
      '`require: namespaces`: refuses to start where the operating system allows no user namespaces. Default: ' +
        'seccomp alone is sufficient there.',
    ),
}

/** Rejects these settings, except `env`, on hosts without `isolation: process`. */
export function checkIsolation(host: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  if (host['isolation'] === 'process') return
  for (const field of Object.keys(isolationFields)) {
    if (host[field] === undefined || field === 'env') continue
    context.addIssue({ code: 'custom', path: [field], message: 'is for "isolation: process" alone' })
  }
}

/** What a process of its own is started with. */
export type IsolationSettings = z.output<z.ZodObject<typeof isolationFields>> & {
  readonly resourceLimits?: ResourceLimits | undefined
}
