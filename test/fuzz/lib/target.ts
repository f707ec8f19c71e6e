/**
 * Runs one target, in its own process: `node target.ts FILE SECONDS SEED [CORPUS-FILE…]`. Prints the number of runs.
 */
import { readFileSync, writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { BadInput, type Runs } from './inputs.ts'

type Fuzz = (seconds: number, seed: number) => Promise<Runs>
type Replay = (input: string) => Promise<void>

const target = z.object({
  default: z.custom<Fuzz>((value) => typeof value === 'function', 'exports no function as its default'),
  replay: z.custom<Replay>((value) => typeof value === 'function', 'exports no function "replay"'),
})

const [file = '', seconds = '1', seed = '0', ...corpus] = process.argv.slice(2)
try {
  const { default: fuzz, replay } = target.parse(await import(pathToFileURL(file).href))
  for (const known of corpus) await replay(readFileSync(known, 'utf8'))
  const { runs } = await fuzz(Number(seconds), Number(seed))
  writeSync(1, `${runs}\n`)
  process.exit(0)
} catch (error) {
  // For the corpus: only the input.
  if (error instanceof BadInput) writeSync(3, error.input)
  writeSync(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(1)
}
