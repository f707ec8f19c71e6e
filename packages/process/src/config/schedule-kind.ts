/** `process.schedule`: messages to a service at regular times. */
import { lazyModule } from '@troupe/core'
import { checkActor, defineKind, duration, lifecycleSchema, reference } from '@troupe/registry'
import { createRequire } from 'node:module'
import type * as CronerPackage from 'croner'
import { z } from 'zod'

/** Loaded only by applications with a schedule. */
const croner = lazyModule<typeof CronerPackage>(() => createRequire(import.meta.url)('croner'))

export const scheduleKind = defineKind({
  kind: 'process.schedule',
  fields: () =>
    z
      .strictObject({
        cron: z
          .string()
          .min(1)
          .optional()
          .describe('Minute, hour, day of the month, month, day of the week; with six fields, the first are seconds.'),
        every: duration()
          .optional()
          .describe('Time between messages; the first is sent after that time. At least a second.'),
        timeZone: z.string().min(1).optional().describe("IANA name, such as `Europe/Berlin`. Default: the system's."),
        to: reference('process.service').describe('The service to which messages are sent.'),
        topic: z.string().min(1).describe('Topic of the messages.'),
        payload: z.unknown().optional().describe('Payload of the messages: plain data.'),
        overlap: z
          .enum(['skip', 'queue'])
          .default('skip')
          .describe(
            'What happens when the last message has not been handled yet: `skip`: no message is sent; `queue`: it ' +
              'waits in the mailbox.',
          ),
        durable: z
          .boolean()
          .default(false)
          .describe('Keeps the next time in a file: after a stop, a missed message is sent at the start, once.'),
        lifecycle: lifecycleSchema,
      })
      .superRefine(checkActor)
      .superRefine(checkTimes),
})

interface Times {
  readonly cron?: string | undefined
  readonly every?: number | undefined
  readonly timeZone?: string | undefined
  readonly topic: string
}

const shortest = 1_000

function checkTimes({ cron, every, timeZone, topic }: Times, context: Pick<z.core.$RefinementCtx, 'addIssue'>): void {
  const report = (path: string, message: string) => {
    context.addIssue({ code: 'custom', path: [path], message })
  }
  if ((cron === undefined) === (every === undefined)) report('cron', 'expected either "cron" or "every"')
  if (every !== undefined && every < shortest) report('every', 'the shortest time is 1s')
  if (every !== undefined && timeZone !== undefined) report('time_zone', 'it belongs to "cron"')
  if (topic.startsWith('@')) report('topic', 'topics that begin with "@" belong to the runtime')
  if (timeZone !== undefined && !isTimeZone(timeZone)) report('time_zone', `there is no time zone "${timeZone}"`)
  else if (cron !== undefined) {
    try {
      if (nextRun({ cron, timeZone }, Date.now()) === undefined) report('cron', `"${cron}" never comes`)
    } catch (error) {
      report('cron', error instanceof Error ? error.message : String(error))
    }
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/**
 * When a schedule runs next after a moment; `undefined` for never. A time of day that a change of the clocks leaves out
 * comes at the moment of the change; one that comes twice counts once. Milliseconds since 1970.
 *
 * @param last - When an `every` ran last, or started.
 */
export function nextRun(
  { cron, every, timeZone }: Omit<Times, 'topic'>,
  after: number,
  last: number = after,
): number | undefined {
  if (every !== undefined) return last + Math.max(1, Math.floor((after - last) / every) + 1) * every
  if (cron === undefined) return undefined
  const { Cron } = croner()
  const options = { mode: '5-or-6-parts' as const, ...(timeZone !== undefined && { timezone: timeZone }) }
  return new Cron(cron, options).nextRun(new Date(after))?.getTime()
}
