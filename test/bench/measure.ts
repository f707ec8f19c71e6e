/** Shared by all benchmarks: rounds, medians, and a table with the figure, its peer in the same run, and the target. */

/**
 * `--quick` checks in seconds that a benchmark still works; its figures mean nothing. The programs that it starts get
 * the setting by the variable.
 */
const isQuick = process.argv.includes('--quick') || process.env['BENCH_QUICK'] === '1'
if (isQuick) process.env['BENCH_QUICK'] = '1'

/** How much to measure: rounds, calls, bytes. */
export function scaled(full: number, quick: number): number {
  return isQuick ? quick : full
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Milliseconds since the epoch, with fractions; the same in all threads. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

/** Runs `once` for each round and returns the median. */
export async function rounds(count: number, once: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let i = 0; i < scaled(count, 1); i += 1) values.push(await once())
  return median(values)
}

/** One line of a benchmark's table. */
export interface Line {
  readonly what: string
  readonly figure: number
  readonly unit: string
  /** The floor or rival, measured in the same run. */
  readonly peer?: {
    readonly name: string
    readonly figure: number
    /** The median of the rounds' ratios, if both were measured alternately. @default the ratio of the figures */
    readonly ratio?: number
  }
  /** The target in words, and whether it is met. */
  readonly target?: { readonly text: string; readonly met: boolean }
}

export function format(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)}k`
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}

export function printTable(title: string, lines: readonly Line[]): void {
  const rows = lines.map(({ what, figure, unit, peer, target }) => [
    what,
    `${format(figure)} ${unit}`,
    peer === undefined ? '' : `${peer.name} ${format(peer.figure)}`,
    peer === undefined ? '' : `${(peer.ratio ?? figure / peer.figure).toFixed(2)} ×`,
    target === undefined ? '' : `${target.met ? 'met' : 'MISSED'}: ${target.text}`,
  ])
  const head = ['what', 'here', 'peer in the same run', 'ratio', 'target']
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]?.length ?? 0)))
  console.log(`\n${title} (Node ${process.version})`)
  for (const row of [head, ...rows])
    console.log(
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}
