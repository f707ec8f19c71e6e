/** The rows of the table that the command prints. */
import type { Options } from './options.ts'

export interface Row {
  readonly step: string
  readonly entry: string
  /** The process; for a function, its call. */
  readonly pid: string
  readonly way: string
  readonly result: string
  /** Whether the result is as promised. */
  readonly ok: boolean
}

export function formatTable(rows: readonly Row[], { proxy }: Options): string {
  const head = ['', 'step', 'who', 'way', 'result']
  const lines = rows.map(({ step, entry, pid, way, result, ok }) => [
    ok ? '✓' : '✗',
    step,
    `${entry} ${shortened(pid)}`,
    way,
    result,
  ])
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)))
  const format = (line: readonly string[]) =>
    `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  const kept = rows.filter(({ ok }) => ok).length
  return [
    '',
    '  Which way does the traffic go? app:proxy is ' +
      `${proxy === undefined ? 'the embedded SOCKS5 proxy' : `the SOCKS5 proxy ${proxy}`}.`,
    '',
    format(head),
    format(widths.map((width) => '─'.repeat(width))),
    ...lines.map(format),
    '',
    `  ${kept} of ${rows.length} steps came out as promised.`,
    '',
  ].join('\n')
}

/** The ids of function calls are long random numbers. */
function shortened(pid: string): string {
  return pid.length > 8 ? `${pid.slice(0, 5)}…>` : pid
}
