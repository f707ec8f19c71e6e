/** The kinds of entries that this package runs. */
import { canSeal, cannotSeal, isolationFields } from '@troupe/process/kernel'
import { defineKind, duration, sourceModule } from '@troupe/registry'
import { z } from 'zod'

const threads = z
  .strictObject({
    min: z.int().min(0).default(0).describe('Threads that are always kept.'),
    max: z.int().min(1).optional().describe('Maximum number of threads. Default: the number of cores.'),
    idleTimeout: duration().default(30_000).describe('How long a thread above `min` waits for work before it ends.'),
    queue: z
      .int()
      .min(0)
      .default(10_000)
      .describe('Maximum number of calls that wait for a thread; further calls fail with `Unavailable`.'),
    maxIsolationKeys: z
      .int()
      .min(1)
      .default(64)
      .describe(
        'Maximum number of isolation keys, of overlays that isolate by actor or process, that have threads or ' +
          'wait for one. Further calls fail with `RateLimited`.',
      ),
    isolation: z
      .enum(['thread', 'process'])
      .optional()
      .describe(
        '`thread`: worker threads of the program. `process`: operating-system processes instead, isolated from ' +
          'the network, from files and from the program (`docs/isolation.md`). Default: `thread`.',
      ),
    ...isolationFields,
    sealed: z
      .union([z.literal(true), isolationFields.sealed.unwrap()], 'expected true, or { require: namespaces }')
      .optional()
      .describe(
        '`true` is `isolation: process`. `require: namespaces` is that too, and refuses to start without ' +
          'namespaces.',
      ),
  })
  .superRefine(checkSeal)

/** A pool of threads, or `inline`: the caller's own thread. */
const pool = z.union([z.literal('inline'), threads], 'expected "inline", or a pool such as { max: 4 }')

export type PoolSettings = z.output<typeof threads>

/** The pool of functions whose entry configures none. */
export const defaultPool: PoolSettings = threads.parse({}, { jitless: true })

/** Whether the functions of a pool run in operating-system processes. */
export function isSealed({ isolation, sealed }: Pick<PoolSettings, 'isolation' | 'sealed'>): boolean {
  return isolation === 'process' || sealed !== undefined
}

/** Rejects settings that a pool of threads would not obey. */
function checkSeal(settings: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  const refuse = (field: string, message: string) => {
    context.addIssue({ code: 'custom', path: [field], message })
  }
  const { isolation, sealed } = settings
  if (isolation === 'process' || sealed !== undefined) {
    const field = sealed === undefined ? 'isolation' : 'sealed'
    if (isolation === 'thread') refuse('sealed', 'a pool with "isolation: thread" cannot be sealed')
    if (!canSeal()) refuse(field, cannotSeal)
    return
  }
  for (const field of Object.keys(isolationFields))
    if (settings[field] !== undefined) refuse(field, 'is for pools with "sealed: true" alone')
}

/** `function.ts`: a stateless function, called by id. It runs on a pool of threads, or in the caller's thread. */
export const functionKind = defineKind({
  kind: 'function.ts',
  fields: () =>
    z.strictObject({
      source: sourceModule().describe('The module, in the folder of the application, such as `file://sum.ts`.'),
      method: z.string().min(1).default('handler').describe('Name of the exported function.'),
      pool: pool
        .default(defaultPool)
        .describe('`inline`: calls run in the thread of the caller. Otherwise the threads that run them.'),
    }),
})

export const functionKinds = [functionKind]
