/**
 * How long one message of hostile code holds the loop of the kernel, in processor time. A thread holds it once, for as
 * long as Node decodes what it posted, and is ended; an operating-system process does not hold it.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { useLauncher } from '../peers/launcher.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('held-program.ts', import.meta.url))
const canIsolate = process.allowedNodeEnvironmentFlags.has('--allow-net') && process.platform === 'linux'

interface Held {
  readonly end: string
  readonly long: readonly { readonly thread: number; readonly took: number }[]
  readonly others: string
  readonly log: readonly string[]
}

function parsed(text: string): Held
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

async function held(isolation: string, objects: number): Promise<Held> {
  const { stdout } = await run(process.execPath, [program, isolation, String(objects)])
  return parsed(stdout)
}

const lines = ({ log }: Held) => log.filter((line) => line.includes('more values than one'))

describe('a message of very many objects', () => {
  it('of a thread holds the kernel once, which is seen, and ends the thread', async () => {
    const seen = await held('thread', 2_000_000)
    expect(seen.long.map(({ thread }) => thread)).toEqual([2])
    expect(seen.end).toContain('its message "request" holds more values than one may')
    expect([lines(seen).length > 0, seen.others]).toEqual([true, 'here'])
  })

  it.runIf(canIsolate)('of an operating-system process does not hold it, and ends the process', async () => {
    await useLauncher()
    const seen = await held('process', 2_000_000)
    expect(seen.long).toEqual([])
    expect(seen.end).toContain('more values than one message may')
    expect([lines(seen).length > 0, seen.others]).toEqual([true, 'here'])
  })
})
