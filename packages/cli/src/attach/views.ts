/** What the commands that look into a running application print. */
import { escapedLines, type Observation } from 'troupe/app'
import { formatTable as tableOf } from '../table.ts'

type Process = Observation['processes']['rows'][number]

/** Names come from code: a line break in one must not begin a row. Columns are as wide as what is shown. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return tableOf(
    head,
    rows.map((row) => row.map((cell) => escapedLines(cell.replaceAll(/[\n\r]/g, '\\n')))),
  )
}

const second = 1000
const minute = 60
const hour = 3600
const day = 86_400
const unit = 1024

/** `3 s`, `4 min`, `2 h`, `5 d`. */
export function age(since: number, at: number): string {
  const seconds = Math.max(0, Math.round((at - since) / second))
  if (seconds < minute) return `${seconds} s`
  if (seconds < hour) return `${Math.floor(seconds / minute)} min`
  return seconds < day ? `${Math.floor(seconds / hour)} h` : `${Math.floor(seconds / day)} d`
}

/** `812 B`, `1.4 KiB`, `3.0 MiB`. */
export function size(bytes: number): string {
  if (bytes < unit) return `${Math.round(bytes)} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(unit)))
  return `${(bytes / unit ** power).toFixed(1)} ${units[power - 1]}`
}

/** Processes: those with the longest mailboxes first. */
export function processTable({ processes, at }: Observation): string {
  const rows = processes.rows.toSorted((a, b) => b.mailbox - a.mailbox || a.startedAt - b.startedAt)
  return withSilent(
    formatTable(
      ['PID', 'ENTRY', 'NAMES', 'STATE', 'MAILBOX', 'HANDLED', 'LINKS', 'HOST', 'OVERLAY', 'AGE', 'PARENT'],
      rows.map((row) => cellsOf(row, at)),
    ),
    processes.silent,
  )
}

/** The cells of a process. */
function cellsOf(row: Process, at: number): readonly string[] {
  const { pid, entry, names, state, mailbox, handled, links, host, overlay, startedAt, parent } = row
  const counts = [mailbox, handled, links].map(String)
  return [pid, entry, names.join(' '), state, ...counts, host ?? '', overlay ?? '-', age(startedAt, at), parent ?? '']
}

/** Processes under those that started them. */
export function processTree({ processes, at }: Observation): string {
  const byParent = Map.groupBy(processes.rows, ({ parent }) => parent ?? '')
  const known = new Set<string>(processes.rows.map(({ pid }) => pid))
  const lines: string[] = []
  const add = (row: Process, indent: string) => {
    const { pid, entry, names, state, mailbox, startedAt } = row
    const named = names.length === 0 ? '' : ` "${names.join('", "')}"`
    const line = `${pid} ${entry}${named} ${state}, mailbox ${mailbox}, ${age(startedAt, at)}`
    lines.push(`${indent}${line.replaceAll(/[\n\r]/g, '\\n')}`)
    for (const child of byParent.get(pid) ?? []) add(child, `${indent}  `)
  }
  for (const row of processes.rows) if (row.parent === undefined || !known.has(row.parent)) add(row, '')
  return withSilent(lines.join('\n'), processes.silent)
}

/** Overlays, and what they refused. */
export function overlayTable({ overlays, refusals, at }: Observation): string {
  const head = ['OVERLAY', 'STATE', 'SINCE', 'OPEN', 'DIALLED', 'FAILED', 'ACCEPTED', 'SENT', 'RECEIVED', 'REASON']
  const table = formatTable(
    head,
    overlays.map(({ overlay, state, since, reason, open, opened, failed, accepted, bytesSent, bytesReceived }) => [
      overlay,
      state ?? '-',
      since === undefined ? '-' : age(since, at),
      ...[open, opened, failed, accepted].map(String),
      size(bytesSent),
      size(bytesReceived),
      reason ?? '',
    ]),
  )
  const refused = Object.entries(refusals).toSorted(([, a], [, b]) => b - a)
  if (refused.length === 0) return table
  return `${table}\n\n${formatTable(
    ['REFUSED', 'TIMES'],
    refused.map(([what, times]) => [what, String(times)]),
  )}`
}

/** Open connections through overlays. */
export function connectionTable({ connections, at }: Observation): string {
  return withSilent(
    formatTable(
      ['CONNECTION', 'OVERLAY', 'TARGET', 'WAY', 'BY', 'ACTOR', 'AGE', 'SENT', 'RECEIVED'],
      connections.rows.map((row) => [
        `${row.thread}.${row.number}`,
        row.overlay,
        row.target,
        row.direction,
        row.owner,
        row.actor,
        age(row.since, at),
        size(row.bytesSent),
        size(row.bytesReceived),
      ]),
    ),
    connections.silent,
  )
}

/** Pools of functions, those of HTTP services, and services. */
export function poolTable({ pools, requestPools, services }: Observation): string {
  const ofPools = formatTable(
    ['FUNCTION', 'THREADS', 'RUNNING', 'WAITING'],
    pools.map(({ entry, threads, running, waiting }) => [entry, ...[threads, running, waiting].map(String)]),
  )
  const ofRequests = formatTable(
    ['ENDPOINTS OF', 'THREADS'],
    requestPools.map(({ entry, threads }) => [entry, String(threads)]),
  )
  const ofServices = formatTable(
    ['SERVICE', 'KIND', 'STATE', 'FAILURES', 'ERROR'],
    services.map(({ id, kind, state, attempts, error }) => [id, kind, state, String(attempts), error?.message ?? '']),
  )
  return [ofPools, ...(requestPools.length > 0 ? [ofRequests] : []), ofServices].join('\n\n')
}

/** Threads, with what they use. */
export function threadTable({ threads }: Observation): string {
  return formatTable(
    ['THREAD', 'OWNER', 'KIND', 'OVERLAY', 'HEAP', 'CPU', 'BUSY', 'PROCESSES'],
    threads.map(({ number, owner, kind, overlay, resources, counts }) => [
      String(number),
      owner ?? '-',
      kind,
      overlay ?? '-',
      resources === undefined ? '-' : size(resources.heapUsed),
      resources?.cpu === undefined ? '-' : `${(resources.cpu / second).toFixed(1)} s`,
      resources === undefined ? '-' : `${Math.round(resources.utilization * 100)} %`,
      String(counts.processesStarted - counts.processesEnded),
    ]),
  )
}

/** The decisions of each policy: those that decided most first. */
export function policyTable({ policies }: Observation): string {
  return formatTable(
    ['POLICY', 'ALLOWED', 'DENIED'],
    policies
      .toSorted((a, b) => b.allowed + b.denied - (a.allowed + a.denied))
      .map(({ policy, allowed, denied }) => [policy ?? '(none applied)', String(allowed), String(denied)]),
  )
}

/** The last messages that no process took. */
export function deadLetterTable({ deadLetters, at }: Observation): string {
  const table = formatTable(
    ['ID', 'AGE', 'FROM', 'TO', 'TOPIC', 'KEPT', 'REASON'],
    deadLetters.last.map(({ id, time, from, to, name, topic, bytes, reason }) => [
      String(id),
      age(time, at),
      from,
      name === undefined ? to : `${to} ${name}`,
      topic,
      bytes === undefined ? '-' : size(bytes),
      reason,
    ]),
  )
  return `${deadLetters.count} since the start\n${table}`
}

function withSilent(table: string, silent: readonly number[]): string {
  if (silent.length === 0) return table
  return `${table}\n\nthreads that are busy and did not reply: ${silent.join(', ')}`
}
