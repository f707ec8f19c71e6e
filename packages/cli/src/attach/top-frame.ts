/** The lines of `troupe top` for one observation. */
import { escapedLines, type Observation } from 'troupe/app'
import { fitTo } from '../text-width.ts'
import { age, size } from './views.ts'

type Process = Observation['processes']['rows'][number]

/** By what processes are sorted: the largest, or the oldest, first. */
export type Order = 'mailbox' | 'handled' | 'age'

/** Two observations, of which rates are made. */
export interface Frame {
  readonly observation: Observation
  readonly before: Observation | undefined
}

/** What the lines are for. */
export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly order: Order
  /** Index of the selected process. */
  readonly selected: number
  readonly filter: string
  readonly prompt: string
  /** Without colours and other attributes. */
  readonly isPlain: boolean
}

const inverse = '\u001b[7m'
const reset = '\u001b[0m'
const second = 1000
const headLines = 5
const keys = 'q quit  j/k select  t terminate  / filter  sort: m mailbox  h handled  a age'

/** The processes in the order of the screen. */
export function sortedRows({ observation, before }: Frame, order: Order, filter: string): readonly Process[] {
  const rates = ratesOf({ observation, before })
  const value = (row: Process) => {
    if (order === 'mailbox') return row.mailbox
    return order === 'handled' ? (rates.get(row.pid) ?? 0) : -row.startedAt
  }
  return observation.processes.rows
    .filter((row) => `${row.pid} ${row.entry} ${row.names.join(' ')} ${row.overlay ?? ''}`.includes(filter))
    .toSorted((a, b) => value(b) - value(a))
}

/** Handled messages per second, by pid. */
function ratesOf({ observation, before }: Frame): ReadonlyMap<string, number> {
  if (before === undefined) return new Map()
  const seconds = Math.max(1, observation.at - before.at) / second
  const earlier = new Map<string, number>(before.processes.rows.map(({ pid, handled }) => [pid, handled]))
  return new Map(
    observation.processes.rows.map(({ pid, handled }) => [pid, (handled - (earlier.get(pid) ?? handled)) / seconds]),
  )
}

/** The lines of a screen; none is wider than it, and there are no more than it has. */
export function frameOf(frame: Frame, screen: Screen): readonly string[] {
  const { observation } = frame
  const { order, filter, columns, rows: height, isPlain, prompt } = screen
  const rows = sortedRows(frame, order, filter)
  const room = Math.max(1, height - headLines - 1)
  const selected = Math.min(screen.selected, Math.max(0, rows.length - 1))
  const first = Math.max(0, Math.min(selected - Math.floor(room / 2), rows.length - room))
  const rates = ratesOf(frame)
  const shown = rows.slice(first, first + room)
  const lines = shown.map((row, index) => {
    const line = fit(lineOf(row, rates.get(row.pid) ?? 0, observation.at), columns)
    if (first + index !== selected) return line
    return isPlain ? `>${line.slice(1)}` : `${inverse}${line}${reset}`
  })
  const head = [
    ...summary(observation),
    prompt === '' ? keys : prompt,
    ' PID          MAILBOX  HANDLED/S  STATE     OVERLAY           AGE     ENTRY',
  ]
  // In a terminal of few lines the last ones are missing.
  return [...head.map((line) => fit(line, columns)), ...lines].slice(0, Math.max(1, height))
}

function summary({ threads, processes, overlays, deadLetters, pid, uptime }: Observation): readonly string[] {
  const heap = threads.reduce((sum, { resources }) => sum + (resources?.heapUsed ?? 0), 0)
  const busy = threads.filter(({ resources }) => (resources?.utilization ?? 0) > 0.9).length
  const running = threads.reduce((sum, { counts }) => sum + counts.processesStarted - counts.processesEnded, 0)
  const states = overlays.map(({ overlay, state, open }) => `${overlay} ${state ?? '-'} (${open})`).join('  ')
  const silent = processes.silent.length === 0 ? '' : `, ${processes.silent.length} do not reply`
  const inThreads = `${threads.length} threads (${busy} busy${silent})`
  return [
    `process ${pid}, up ${age(0, uptime * second)}: ${running} processes, ${inThreads}`,
    `heap ${size(heap)}, dead letters ${deadLetters.count}`,
    `overlays: ${states === '' ? 'none' : states}`,
  ]
}

function lineOf({ pid, mailbox, state, overlay, entry, names, startedAt }: Process, rate: number, at: number): string {
  const named = names.length === 0 ? '' : ` "${names.join('", "')}"`
  return [
    ` ${pid.padEnd(12)}`,
    String(mailbox).padStart(7),
    rate.toFixed(1).padStart(10),
    ` ${state.padEnd(9)}`,
    (overlay ?? '-').padEnd(17),
    age(startedAt, at).padEnd(7),
    `${entry}${named}`,
  ].join(' ')
}

/** Names come from code: they must not move the cursor. */
function fit(line: string, columns: number): string {
  return fitTo(escapedLines(line.replaceAll('\n', ' ')), columns)
}
