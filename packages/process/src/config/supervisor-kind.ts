/** `process.supervisor`: children that are started, stopped and restarted together, by the rules of OTP. */
import { checkActor, defineKind, duration, lifecycleSchema, reference } from '@troupe/registry'
import { z } from 'zod'
import type { Frame, OverlayChoice } from '@troupe/core'
import { acceptsSchema } from './accepts.ts'
import { childSpecError } from '../supervisor/strategy.ts'

/** A child of a supervisor. */
export const childSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.-]+$/, 'expected a word: letters, digits, ".", "-" and "_"')
    .describe('Name within the supervisor. Its process is registered as `<supervisor>/<id>`.'),
  process: reference('process.ts', 'process.supervisor').describe(
    'What the child runs: a process, or another supervisor.',
  ),
  host: reference('process.host')
    .optional()
    .describe("Host in which the process runs. Default: the supervisor's `host`."),
  input: z.array(z.unknown()).default([]).describe('Arguments of the method.'),
  accepts: acceptsSchema
    .optional()
    .describe(
      'Overlays whose messages a process of another network accepts. Default: none; all, where the entry is ' +
        'pinned to the clear network.',
    ),
  restart: z
    .enum(['permanent', 'transient', 'temporary'])
    .default('permanent')
    .describe(
      '`permanent`: restarted whenever it ends. `transient`: restarted only when it failed. `temporary`: never ' +
        'restarted.',
    ),
  significant: z.boolean().default(false).describe('Whether `auto_shutdown` depends on it.'),
  shutdown: z
    .union([z.literal(['brutal_kill', 'infinity']), duration()], 'expected a duration, brutal_kill or infinity')
    .optional()
    .describe(
      'Time for an orderly stop before it is terminated; `brutal_kill` for no time, `infinity` for no limit. ' +
        'Default: 5s; infinity for a supervisor.',
    ),
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
      host: reference('process.host').optional().describe('Host of children that name none.'),
      strategy: z
        .enum(['one_for_one', 'one_for_all', 'rest_for_one'])
        .default('one_for_one')
        .describe('Which children restart when one has to.'),
      maxRestarts: z
        .int()
        .min(0)
        .default(3)
        .describe('Number of restarts allowed within `max_seconds`; one more makes the supervisor itself fail.'),
      maxSeconds: z.number().positive().default(5).describe('Time in which `max_restarts` are counted, in seconds.'),
      autoShutdown: z
        .enum(['never', 'any_significant', 'all_significant'])
        .default('never')
        .describe(
          'When the supervisor stops by itself: never, or when the first or the last of its significant children ' +
            'ends.',
        ),
      children: z.array(childSchema).default([]).describe('In start order.'),
      partitions: z
        .int()
        .min(1)
        .max(4096)
        .optional()
        .describe(
          'Runs all children this number of times, each time under a separate supervisor, ' +
            '`<supervisor>/<number>`.',
        ),
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
