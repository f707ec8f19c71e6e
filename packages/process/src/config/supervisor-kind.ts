/** `process.supervisor`: children that are started, stopped and restarted together, by OTP's rules. */
import { defineKind, duration, lifecycleSchema, reference } from '@troupe/registry'
import { z } from 'zod'
import type { Frame, OverlayChoice } from '@troupe/core'
import { acceptsSchema } from './accepts.ts'
import { childSpecError } from '../supervisor/strategy.ts'

/** A child of a supervisor. */
export const childSchema = z.strictObject({
  /** Name within the supervisor. Its process goes by `<supervisor>/<id>`. */
  id: z.string().regex(/^[\w.-]+$/, 'expected a word: letters, digits, ".", "-" and "_"'),
  /** What it runs: a process, or another supervisor. */
  process: reference('process.ts', 'process.supervisor'),
  /** Where a process runs. @default the supervisor's `host` */
  host: reference('process.host').optional(),
  /** Arguments of the method. */
  input: z.array(z.unknown()).default([]),
  accepts: acceptsSchema.optional(),
  /** `permanent`: starts anew whenever it ends. `transient`: only when it failed. `temporary`: never. */
  restart: z.enum(['permanent', 'transient', 'temporary']).default('permanent'),
  /** Whether `auto_shutdown` waits for it. */
  significant: z.boolean().default(false),
  /** Time to stop in order before it is ended; `brutal_kill` for none, `infinity` for all that it wants. @default 5s, a supervisor's infinity */
  shutdown: z.union([z.literal(['brutal_kill', 'infinity']), duration()], 'expected a duration, brutal_kill or infinity').optional(),
})

/** A child of a supervisor, decoded. Times are milliseconds. */
export interface ChildSpec extends z.output<typeof childSchema> {
  /** The overlay of the caller that added it at run time; its restarts keep it. */
  readonly network?: OverlayChoice
  /** For whom it acts, when policies governed that caller; its restarts keep it. */
  readonly acting?: Acting | undefined
}

/** For whom something acts, and under which policies. */
export type Acting = Pick<Frame, 'actor' | 'scope'>

const fields = z
  .strictObject({
    /** Where children run that name no host. */
    host: reference('process.host').optional(),
    /** Which children start anew when one has to. */
    strategy: z.enum(['one_for_one', 'one_for_all', 'rest_for_one']).default('one_for_one'),
    /** Restarts that it takes within `max_seconds`; with one more it fails itself. */
    maxRestarts: z.int().min(0).default(3),
    maxSeconds: z.number().positive().default(5),
    /** When it ends by itself: never, or with the first or the last of its significant children. */
    autoShutdown: z.enum(['never', 'any_significant', 'all_significant']).default('never'),
    /** In the order of their start. */
    children: z.array(childSchema).default([]),
    /** Runs all children that many times, each time under a supervisor of its own, `<supervisor>/<number>`. */
    partitions: z.int().min(1).max(4096).optional(),
    lifecycle: lifecycleSchema,
  })
  .superRefine(({ autoShutdown, children }, context) => {
    for (const [index, child] of children.entries()) {
      const wrong = childSpecError({ autoShutdown }, child)
      if (wrong !== undefined) context.addIssue({ code: 'custom', path: ['children', index, 'significant'], message: wrong })
      if (children.findIndex(({ id }) => id === child.id) < index)
        context.addIssue({ code: 'custom', path: ['children', index, 'id'], message: `there is a child "${child.id}" already` })
    }
  })

export const supervisorKind = defineKind({ kind: 'process.supervisor', fields })
