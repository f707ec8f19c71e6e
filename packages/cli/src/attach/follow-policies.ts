/** `troupe policies --follow`: the decisions of a running application, as they are made. */
import { escapedLines, type FollowedDecision, type SkippedDecisions } from 'troupe/app'
import { parseDuration, startTimer } from '@troupe/core'
import type { AttachOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import type { Client } from './client.ts'

const digitsOfTime = { from: 'yyyy-mm-ddT'.length, to: 'yyyy-mm-ddThh:mm:ss.mmm'.length }

/** Prints decisions until the application ends, the given time or number is over, or nothing reads the output. */
export async function followPolicies(
  { recording, json }: AttachOptions,
  client: Client,
  terminal: Terminal,
): Promise<number> {
  const most = mostOf(recording.max)
  const ended = new AbortController()
  const timer =
    recording.for === undefined
      ? undefined
      : startTimer(() => {
          ended.abort()
        }, parseDuration(recording.for))
  const signal = AbortSignal.any([ended.signal, ...(terminal.lost === undefined ? [] : [terminal.lost])])
  const isDocument = json || terminal.isTerminal !== true
  let printed = 0
  try {
    for await (const line of client.lines('/decisions', signal)) {
      const event = eventOf(JSON.parse(line))
      terminal.out(isDocument ? line : escapedLines(decisionText(event)))
      if ('verdict' in event) printed += 1
      if (printed >= most) break
    }
  } finally {
    timer?.stop()
  }
  return 0
}

/** A decision on one line, for people. */
export function decisionText(event: FollowedDecision | SkippedDecisions): string {
  const time = new Date(event.time).toISOString().slice(digitsOfTime.from, digitsOfTime.to)
  if ('skipped' in event) return `${time}  ${event.skipped.allow} allowed and ${event.skipped.deny} denied, not shown`
  const { verdict, actor = '(no actor)', action, resource, reason } = event
  return `${time}  ${verdict.padEnd('allow'.length)}  ${actor}  ${action}  ${resource}  ${reason}`.replaceAll(
    /[\n\r]/g,
    '\\n',
  )
}

function mostOf(max: string | undefined): number {
  if (max === undefined) return Infinity
  if (/^[1-9]\d{0,8}$/.test(max)) return Number(max)
  throw new UsageError(`--max takes a number of decisions, not "${max}"`)
}

/** The application is of the same version as this program. */
function eventOf(value: unknown): FollowedDecision | SkippedDecisions
function eventOf(value: unknown): unknown {
  return value
}
