/** Recordings of messages, as operators ask for them by the socket of a running application. */
import { invalid, isPid } from '@troupe/core'
import { type Flow, type Kernel, observeFlows, type RecordedMessage, recordMessages } from '@troupe/process/kernel'
import { z } from 'zod'

const limits = {
  for: z.coerce.number().positive(),
  max: z.coerce.number().int().min(1).default(1000),
}
const traceQuery = z.strictObject({ pid: z.string(), ...limits })
const flowQuery = z.strictObject({ ...limits })

/** The reply to `GET /trace`. */
export interface MessageRecording {
  /** The process whose messages were recorded. */
  readonly pid: string
  /** The messages, the oldest first. */
  readonly messages: readonly RecordedMessage[]
  /** The entries of the processes in it that are alive, by pid. */
  readonly entries: Readonly<Record<string, string>>
}

/** The reply to `GET /flow`. */
export interface FlowRecording {
  /** How long it recorded. */
  readonly milliseconds: number
  /** The messages between processes, counted. */
  readonly flows: readonly Flow[]
}

/** Whether a path is one of these. */
export function isRecordingPath(path: string): path is '/trace' | '/flow' {
  return path === '/trace' || path === '/flow'
}

/**
 * Carries out a recording, which leaves a line in the log.
 *
 * @param signal - Aborts when the client disconnects.
 * @throws TroupeError `Invalid` for a query that is none, and what the recording throws.
 */
export async function recorded(
  kernel: Kernel,
  path: '/trace' | '/flow',
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<MessageRecording | FlowRecording> {
  if (path === '/flow') {
    const { for: milliseconds, max: limit } = parsed(flowQuery, query)
    kernel.note('operator: flow', { level: 'warn', always: true })
    return { milliseconds, flows: await observeFlows(kernel, { milliseconds, limit, signal }) }
  }
  const { pid, for: milliseconds, max: limit } = parsed(traceQuery, query)
  if (!isPid(pid)) throw invalid(`"${pid}" is not a pid`)
  kernel.note(`operator: trace ${pid}`, { level: 'warn', always: true })
  const messages = await recordMessages(kernel, pid, { milliseconds, limit, signal })
  return { pid, messages, entries: entriesOf(kernel, messages) }
}

function entriesOf({ processes }: Kernel, messages: readonly RecordedMessage[]): Record<string, string> {
  const pids = new Set(messages.flatMap(({ from, to }) => [from, to]))
  return Object.fromEntries(
    [...pids].flatMap((pid) => {
      const entry = isPid(pid) ? processes.get(pid)?.entry : undefined
      return entry === undefined ? [] : [[pid, entry]]
    }),
  )
}

function parsed<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  const { data, error } = schema.safeParse(Object.fromEntries(query))
  if (error !== undefined) throw invalid(`that is no recording: ${z.prettifyError(error)}`)
  return data
}
