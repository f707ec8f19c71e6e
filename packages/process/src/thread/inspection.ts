/** Reports to the kernel what is in this thread, a few thousand rows in each turn of its event loop. */
import { ownCounters, type Pid } from '@troupe/core'
import { openConnections, overlayHealth, refusals } from '@troupe/network'
import { setImmediate as turn } from 'node:timers/promises'
import { type InspectionSubject, mostCells, mostCellText, rowWidths } from '../protocol/inspection.ts'
import type { KernelClient } from './kernel-client.ts'
import type { ParticipantRuntime } from './participant.ts'
import { recordedCount, recordedFlows, recordedMessages } from './recording.ts'
import type { LocalProcess } from './process/local-process.ts'

type Cell = string | number
type Row = readonly Cell[]

/** Rows that are made in one turn of the event loop: about two milliseconds. */
const rowsPerTurn = 2000

export interface InspectionTargets {
  /** Whose connections are meant; `undefined`: all of this thread. */
  readonly application: number | undefined
  /** Whose messages were recorded. */
  readonly runtime: ParticipantRuntime
  readonly kernel: Pick<KernelClient, 'notify'>
  readonly processes: ReadonlyMap<Pid, LocalProcess>
}

/** Posts the rows of a subject. @param limit - Of processes: those with the longest mailboxes, then the oldest. */
export async function inspect(
  { application, runtime, kernel, processes }: InspectionTargets,
  number: number,
  what: InspectionSubject,
  limit: number,
): Promise<void> {
  const perMessage = Math.min(rowsPerTurn, Math.floor(mostCells / rowWidths[what]))
  const rows = rowsOf(what, { processes, application, runtime }, limit)
  let cells: Cell[] = []
  let made = 0
  for (const row of rows) {
    if (made === perMessage) {
      kernel.notify({ type: 'inspected', number, cells, isLast: false })
      cells = []
      made = 0
      await turn()
    }
    for (const cell of row) cells.push(typeof cell === 'string' ? cell.slice(0, mostCellText) : cell)
    made += 1
  }
  kernel.notify({ type: 'inspected', number, cells, isLast: true })
}

function rowsOf(
  what: InspectionSubject,
  { processes, application, runtime }: Omit<InspectionTargets, 'kernel'>,
  limit: number,
): Iterable<Row> {
  switch (what) {
    case 'processes':
      return processRows(processes, limit)
    case 'connections':
      return connectionRows(limit, application)
    case 'overlays':
      return overlayRows(application)
    case 'refusals':
      return refusals()
    case 'recorded':
      return [[recordedCount(runtime)]]
    case 'messages':
      return recordedMessages(runtime)
    case 'flows':
      return recordedFlows(runtime).slice(0, limit)
    default:
      return [...ownCounters()].map((value) => [value])
  }
}

function* processRows(processes: ReadonlyMap<Pid, LocalProcess>, limit: number): Iterable<Row> {
  for (const process of topOf(processes, limit)) {
    const { pid, program, state, mailbox, links, startedAt, localSpawn } = process
    yield [pid, localSpawn?.by ?? '', program.entry, state, mailbox.size, mailbox.handled, links.size, startedAt]
  }
}

/** The processes with the most waiting messages; of those without, the first that started. */
function topOf(processes: ReadonlyMap<Pid, LocalProcess>, limit: number): Iterable<LocalProcess> {
  if (processes.size <= limit) return [...processes.values()]
  const sizes = [...processes.values()].map((process) => ({ process, size: process.mailbox.size }))
  return sizes
    .toSorted((a, b) => b.size - a.size)
    .slice(0, limit)
    .map(({ process }) => process)
}

function* connectionRows(limit: number, application: number | undefined): Iterable<Row> {
  let made = 0
  for (const { number, overlay, target, direction, since, owner, actor, ...bytes } of openConnections(application)) {
    if (made === limit) return
    made += 1
    yield [number, overlay, target, direction, since, owner, actor, bytes.bytesSent, bytes.bytesReceived]
  }
}

function* overlayRows(application: number | undefined): Iterable<Row> {
  for (const health of overlayHealth(application)) {
    const { overlay, state, opened, failed, dialling, accepted, open, bytesSent, bytesReceived, latency } = health
    const { p50, p90, p99, max } = latency
    yield [overlay, state, opened, failed, dialling, accepted, open, bytesSent, bytesReceived, p50, p90, p99, max]
  }
}
