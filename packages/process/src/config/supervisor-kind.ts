/** `process.supervisor`: children that are started, stopped and restarted together, by the rules of OTP. */
import { checkActor, defineKind, duration, lifecycleSchema, reference } from '@troupe/registry'
import { z } from 'zod'
import type { Frame, OverlayChoice } from '@troupe/core'
import { acceptsSchema } from './accepts.ts'
import { childSpecError } from '../supervisor/strategy.ts'

/** A child of a supervisor. */
export const childSchema = z.strictObject({
  /** Name within the supervisor. Its process is registered as `<supervisor>/<id>`. */
  id: z.string().regex(/^[\w.-]+$/, 'expected a word: letters, digits, ".", "-" and "_"'),
  /** What the child runs: a process, or another supervisor. */
  process: reference('process.ts', 'process.supervisor'),
  /** Host in which the process runs. @default the supervisor's `host` */
  host: reference('process.host').optional(),
  /** Arguments of the method. */
  input: z.array(z.unknown()).default([]),
  accepts: acceptsSchema.optional(),
  /**
   * `permanent`: restarted whenever it ends. `transient`: restarted only when it failed. `temporary`: never restarted.
   */
  restart: z.enum(['permanent', 'transient', 'temporary']).default('permanent'),
  /** Whether `auto_shutdown` depends on it. */
  significant: z.boolean().default(false),
  /**
   * Time for an orderly stop before it is terminated; `brutal_kill` for no time, `infinity` for no limit. @default 5s;
   * infinity for a supervisor
   */
  shutdown: z
    .union([z.literal(['brutal_kill', 'infinity']), duration()], 'expected a duration, brutal_kill or infinity')
    .optional(),
})

/** A child of a supervisor, decoded. Times are milliseconds. */
export interface ChildSpec extends z.output<typeof childSchema> {
  /** The overlay of the caller that added it at run time; restarts keep it. */
  readonly network?: OverlayChoice
  /** The actor and policies of the caller that added it, if policies governed that caller; restarts keep them. */
  readonly acting?: Acting | undefined
}

/** The actor for which something acts, and the policies in force for it. */
export type Acting = Pick<Frame, 'actor' | 'scope'>

const fields = () =>
  z
    .strictObject({
      /** Host of children that name none. */
      host: reference('process.host').optional(),
      /** Which children restart when one has to. */
      strategy: z.enum(['one_for_one', 'one_for_all', 'rest_for_one']).default('one_for_one'),
      /** Number of restarts allowed within `max_seconds`; one more makes the supervisor itself fail. */
      maxRestarts: z.int().min(0).default(3),
      maxSeconds: z.number().positive().default(5),
      /** When the supervisor stops by itself: never, or when the first or the last of its significant children ends. */
      autoShutdown: z.enum(['never', 'any_significant', 'all_significant']).default('never'),
      /** In start order. */
      children: z.array(childSchema).default([]),
      /** Runs all children this number of times, each time under a separate supervisor, `<supervisor>/<number>`. */
      partitions: z.int().min(1).max(4096).optional(),
      lifecycle: lifecycleSchema,
    })
    .superRefine(checkActor)
    .superRefine(({ autoShutdown, children }, context) => {
      for (const [index, child] of children.entries()) {
        const wrong = childSpecError({ autoShutdown }, child)
        if (wrong !== undefined)
          context.addIssue({ code: 'custom', path: ['children', index, 'significant'], message: wrong })
        if (children.findIndex(({ id }) => id === child.id) < index)
          context.addIssue({
            code: 'custom',
            path: ['children', index, 'id'],
            message: `there is a child "${child.id}" already`,
          })
      }
    })

/** `process.supervisor`: children that are started, stopped and restarted together. */
export const supervisorKind = defineKind({ kind: 'process.supervisor', fields })
