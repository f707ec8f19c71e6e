/** The program is killed: its operating-system processes end too, whatever they do. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const program = fileURLToPath(new URL('orphan-program.ts', import.meta.url))

function parsed(words: string): readonly number[]
function parsed(words: string): unknown {
  const value: unknown = JSON.parse(words)
  return value
}

/** Whether a process runs; one that has ended and was not waited for does not. */
async function runs(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')
  return !/\) [ZX]/.test(status)
}

it.runIf(canSeal && process.platform === 'linux')('no process outlives the program', async () => {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')])
  expect(child.signalCode).toBe('SIGKILL')
  const pids = parsed(printed)
  expect(pids.length).toBeGreaterThanOrEqual(2)
  await expect.poll(async () => (await Promise.all(pids.map(runs))).filter(Boolean), { timeout: 120_000 }).toEqual([])
})
