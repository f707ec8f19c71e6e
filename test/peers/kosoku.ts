/**
 * kosoku: the cases of the Autobahn test suite for WebSockets, run by a maintained program. In Python and Rust, kept in
 * `.cache/peers`.
 */
import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cache, pathOf } from './built.ts'

const run = promisify(execFile)
const pythonPackage = 'kosoku==0.1.0'

/** The result of a case: `OK`, `NON-STRICT` (right, but not in the suite's own order), `INFORMATIONAL` or `FAILED`. */
export interface CaseResult {
  readonly behavior: string
  /** The same for the way in which the connection was closed. */
  readonly behaviorClose: string
}

export interface Cases {
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
}

/** Runs cases against the echo server at `url`, and returns the result of each, by its number. */
export async function runCases(
  url: string,
  { include = [], exclude = [] }: Cases,
  folder: string,
): Promise<ReadonlyMap<string, CaseResult>> {
  const python = await pathOf('python3', { pip: { path: '/usr/bin/pip3', package: 'python3-pip' } })
  const library = join(cache, 'kosoku')
  const program = join(library, 'bin', 'kosoku')
  await access(program).catch(async () =>
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', library, pythonPackage]),
  )
  const selection = [...include.flatMap((id) => ['--include', id]), ...exclude.flatMap((id) => ['--exclude', id])]
  const args = [program, url, '--parallelism', '4', '--outdir', folder, ...selection]
  // Its status reports that a case failed, which the caller sees in the results.
  await run(python, args, { env: { ...process.env, PYTHONPATH: library } }).catch(() => undefined)
  const report: unknown = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
  return new Map(
    entriesOf(report).flatMap(([, cases]) => entriesOf(cases).map(([id, found]) => [id, resultOf(found)] as const)),
  )
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function resultOf(found: unknown): CaseResult {
  const fields = new Map(entriesOf(found))
  return { behavior: String(fields.get('behavior')), behaviorClose: String(fields.get('behaviorClose')) }
}
