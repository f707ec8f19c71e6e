/**
 * `npm run fuzz`: searches for inputs that violate a rule, target by target. Options: `--seconds 3600` for all
 * together, `--seed 7`, `--target yaml`.
 *
 * A target is a file in this folder whose default export runs for a number of seconds. Its export `replay` first gets
 * the files of `corpus/<target>/`, of which there is at least one. Inputs that violate a rule are saved in
 * `.cache/fuzz`: fix the fault, and move the input to the corpus.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

const folder = import.meta.dirname
const crashes = join(folder, '../../.cache/fuzz')
/** Seconds after its time limit at which a target counts as hanging. */
const grace = 120

interface Outcome {
  readonly ok: boolean
  readonly words: string
}

function targets(): readonly string[] {
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== basename(import.meta.filename),
  )
  return files.map((name) => basename(name, '.ts')).toSorted()
}

function corpusOf(target: string): readonly string[] {
  const from = join(folder, 'corpus', target)
  try {
    return readdirSync(from).map((name) => join(from, name))
  } catch {
    return []
  }
}

async function run(target: string, seconds: number, seed: number): Promise<Outcome> {
  if (corpusOf(target).length === 0) return { ok: false, words: `corpus/${target} holds no input` }
  const argv = [
    join(folder, 'lib/target.ts'),
    join(folder, `${target}.ts`),
    String(seconds),
    String(seed),
    ...corpusOf(target),
  ]
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: Math.ceil((seconds + grace) * 1000),
    killSignal: 'SIGKILL',
  })
  const [, stdout, stderr, input] = child.stdio
  const over = new Promise<boolean>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve(code === 0))
  })
  const [runs, why, bad, ok] = await Promise.all([readAll(stdout), readAll(stderr), readAll(input), over])
  if (ok) return { ok, words: `${runs.toString().trim()} runs, ${corpusOf(target).length} of the corpus` }
  const words = child.signalCode === 'SIGKILL' ? `it hung\n${why.toString()}` : why.toString()
  mkdirSync(crashes, { recursive: true })
  const saved = join(crashes, `${target}-${seed}`)
  writeFileSync(`${saved}.log`, words)
  if (bad.length > 0) writeFileSync(`${saved}.input`, bad)
  return { ok, words: `${words}\nsaved in ${saved}.*` }
}

async function readAll(stream: unknown): Promise<Buffer> {
  return stream instanceof Readable ? buffer(stream) : Buffer.alloc(0)
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string' },
    target: { type: 'string', multiple: true },
  },
})
const chosen = values.target ?? targets()
const seed = values.seed === undefined ? Math.floor(Math.random() * 0x7fffffff) : Number(values.seed)
const each = Number(values.seconds) / chosen.length
console.log(`seed ${seed}, ${each.toFixed(1)} s for each of ${chosen.length} targets`)
let failed = 0
for (const target of chosen) {
  const { ok, words } = await run(target, each, seed)
  if (!ok) failed += 1
  console.log(`${target}: ${ok ? '' : 'FAILED: '}${words}`)
}
process.exitCode = failed === 0 ? 0 : 1
