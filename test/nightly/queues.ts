/**
 * `npm run nightly:queues`: 100,000 jobs in a program that is killed, stopped beyond its leases, and loses its workers
 * at random moments. `JOBS` and `SEED` change that.
 */
import { mkdirSync, mkdtempDisposableSync } from 'node:fs'
import { join } from 'node:path'
import { useLauncher } from '../peers/launcher.ts'
import { checkFaults } from '../queues/fault-checker.ts'
import { filesOf, runWithFaults } from '../queues/faults.ts'

const { JOBS = '100000', SEED = new Date().toISOString() } = process.env
const cache = join(import.meta.dirname, '../../.cache')
mkdirSync(cache, { recursive: true })
await useLauncher()
using folder = mkdtempDisposableSync(join(cache, 'nightly-queues-'))
console.log(`SEED=${SEED} JOBS=${JOBS}`)
const start = performance.now()
const faults = await runWithFaults({ folder: folder.path, seed: SEED, jobs: Number(JOBS), linesBetween: 6_000 })
const { wrong, ...figures } = checkFaults(filesOf(folder.path))
const seconds = Math.round((performance.now() - start) / 1_000)
console.log(JSON.stringify({ seconds, ...faults, ...figures, wrong: wrong.length }))
for (const line of wrong) console.log(line)
if (wrong.length > 0) process.exitCode = 1
