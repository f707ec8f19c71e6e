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
  /**
   * Environment variables of the program that its processes see. @default none; all, in threads that are not sealed
   */
  env: z.array(name).optional(),
  /** Files and folders in addition to the modules that they run. */
  fs: z.strictObject({ read: z.array(path).optional(), write: z.array(path).optional() }).optional(),
  limits: z
    .strictObject({
      /** Heap, in MiB. The memory that Node needs besides is added. @default V8's */
      memoryMb: z
        .int()
        .min(32)
        .max(1 << 20)
        .optional(),
      /** CPU time after which a process is terminated. @default unlimited */
      cpu: duration().optional(),
      /** Processors that it may use at a time, such as 0.5; only where it has a cgroup. @default unlimited */
      cpus: z.number().min(0.01).max(1024).optional(),
      openFiles: z
        .int()
        .min(64)
        .max(1 << 20)
        .optional(),
      /** Size limit of a file that it writes, in MiB. @default unlimited, where it may write at all */
      fileSizeMb: z.int().min(1).optional(),
      threads: z.int().min(32).max(4096).optional(),
      /** Its priority, as in `nice`: 19 is the lowest. @default 5 */
      nice: z.int().min(0).max(19).optional(),
    })
    .optional(),
  /**
   * `require: namespaces`: refuses to start where the operating system allows no user namespaces. @default seccomp
   * alone is sufficient there
   */
  sealed: z.strictObject({ require: z.literal('namespaces') }).optional(),
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
