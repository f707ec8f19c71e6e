/**
 * `npm run bench:scale [curve…]`: how each thing grows. Each point is measured in its own process. Prints a table for
 * each curve, and writes the figures and the diagrams to `docs/performance/`.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Line, printTable, scaled } from '../measure.ts'
import { type Curve, curves } from './curves.ts'
import { draw, type Point } from './draw.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, '../../../docs/performance')
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
/** Milliseconds for a point. */
const timeout = 240_000

async function measured(curve: Curve, count: number): Promise<Point | undefined> {
  const script = join(import.meta.dirname, 'point.ts')
  const argv = ['--expose-gc', '--max-old-space-size=12000', script, curve.name, String(count)]
  try {
    const { stdout } = await run(process.execPath, argv, { timeout, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 })
    const figures: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    return { count, figures: numbersIn(figures) }
  } catch (error) {
    const reason = String(error).split('\n').slice(0, 3).join(' ')
    console.error(`${curve.name} ${count}: not measured: ${reason}`)
    return undefined
  }
}

function numbersIn(figures: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(entriesOf(figures).map(([name, value]) => [name, Number(value)]))
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function linesOf({ of, series }: Curve, points: readonly Point[]): readonly Line[] {
  return series.flatMap(({ key, title, unit }) =>
    points.map(({ count, figures }) => ({
      what: `${title}, ${count} ${of}`,
      figure: figures[key] ?? Number.NaN,
      unit,
    })),
  )
}

const file = join(folder, 'scale.json')
const isFull = scaled(1, 0) === 1
const before: unknown = isFull && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
const all: Record<string, unknown> = Object.fromEntries(entriesOf(before))
for (const curve of curves) {
  if (asked.length > 0 && !asked.includes(curve.name)) continue
  const points: Point[] = []
  for (const count of curve.points) {
    const point = await measured(curve, count)
    if (point === undefined) break
    points.push(point)
  }
  printTable(`${curve.title} (load ${loadavg()[0]?.toFixed(1)})`, linesOf(curve, points))
  if (!isFull) continue
  mkdirSync(folder, { recursive: true })
  all[curve.name] = { node: process.version, cores: cpus().length, load: loadavg()[0], points }
  writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`)
  writeFileSync(join(folder, `${curve.name}.svg`), draw(curve, points))
}
