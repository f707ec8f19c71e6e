/** `troupe trace` and `troupe flow`: the messages of one process, and how many go from whom to whom. */
import { escapedLines, type FlowRecording, type MessageRecording } from 'troupe/app'
import { parseDuration } from '@troupe/core'
import type { AttachOptions, RecordingOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import type { Client } from './client.ts'
import { mermaid, sequenceText } from './sequence.ts'
import { formatTable } from './views.ts'

const defaultTime = '10s'
const defaultRows = '1000'

/** Carries out one of the two commands, and returns the exit status. */
export async function recordingCommand(options: AttachOptions, client: Client, terminal: Terminal): Promise<number> {
  const { operands, recording, json } = options
  const isDocument = json || terminal.isTerminal !== true
  const format = recording.format ?? (isDocument ? 'json' : 'text')
  if (options.name === 'flow') {
    if (operands.length > 0) throw new UsageError('"troupe flow" takes no operand')
    if (format === 'mermaid') throw new UsageError('"troupe flow" has no format "mermaid"')
    const reply = flowRecordingOf(await client.get(`/flow?${queryOf(recording)}`))
    terminal.out(format === 'json' ? JSON.stringify(reply, undefined, 2) : escapedLines(flowTable(reply, recording.by)))
    return 0
  }
  const [pid, second] = operands
  if (pid === undefined || second !== undefined)
    throw new UsageError('"troupe trace" takes a pid, as "troupe ps" lists it: "<2.1>"')
  const reply = messageRecordingOf(await client.get(`/trace?${queryOf(recording)}&pid=${encodeURIComponent(pid)}`))
  if (format === 'json') terminal.out(JSON.stringify(reply, undefined, 2))
  else terminal.out(escapedLines(format === 'mermaid' ? mermaid(reply) : sequenceText(reply, process.stdout.columns)))
  return 0
}

function queryOf(options: RecordingOptions): string {
  const { for: time = defaultTime, max = defaultRows } = options
  if (!/^[1-9]\d{0,4}$/.test(max)) throw new UsageError(`--max takes a number of rows, not "${max}"`)
  return new URLSearchParams({ for: String(parseDuration(time)), max }).toString()
}

/** Who sends to whom: most messages first; by entries, the messages of all their processes together. */
export function flowTable({ flows, milliseconds }: FlowRecording, by: RecordingOptions['by'] = 'entry'): string {
  const rows = new Map<string, { readonly ends: readonly string[]; messages: number; bytes: number }>()
  for (const { from, entry, to, toEntry, messages, bytes } of flows) {
    const sender = entry === '' ? from : entry
    const receiver = to === '' ? '(others)' : toEntry === '' ? to : toEntry
    const ends = by === 'entry' ? [sender, receiver] : [from, entry, to === '' ? receiver : to, toEntry]
    const key = ends.join('\0')
    const row = rows.get(key) ?? { ends, messages: 0, bytes: 0 }
    row.messages += messages
    row.bytes += bytes
    rows.set(key, row)
  }
  const head = by === 'entry' ? ['FROM', 'TO'] : ['FROM', 'ENTRY', 'TO', 'ENTRY']
  const seconds = milliseconds / 1000
  return formatTable(
    [...head, 'MESSAGES', 'PER SECOND', 'BYTES'],
    [...rows.values()]
      .toSorted((a, b) => b.messages - a.messages)
      .map(({ ends, messages, bytes }) => [...ends, String(messages), (messages / seconds).toFixed(1), String(bytes)]),
  )
}

/** The application is of the same version as this program. */
function messageRecordingOf(value: unknown): MessageRecording
function messageRecordingOf(value: unknown): unknown {
  return value
}

function flowRecordingOf(value: unknown): FlowRecording
function flowRecordingOf(value: unknown): unknown {
  return value
}
