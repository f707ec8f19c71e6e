/**
 * Two programs with one state: the second gets an error, and can use the state once the first has ended, however it
 * ended.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, inject, it } from 'vitest'
import { Tailnet } from '../peers/tailnet.ts'
import { stateFolder } from './i2p-fixture.ts'

const program = fileURLToPath(new URL('./second-program.ts', import.meta.url))

/** A program that has reported whether it holds the state. */
async function started(what: string, folder: string, fields: object) {
  const child = spawn(process.execPath, [program, what, folder, JSON.stringify(fields)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TS_DISABLE_PORTMAPPER: '1' },
  })
  const lines: unknown[] = await once(createInterface({ input: child.stdout }), 'line')
  const over = once(child, 'exit')
  const end = async () => {
    child.kill('SIGKILL')
    await over
  }
  return { said: String(lines[0]), end }
}

interface Case {
  readonly what: string
  readonly fields: (stack: AsyncDisposableStack) => Promise<object>
  readonly words: RegExp
}

const cases: readonly Case[] = [
  { what: 'history', fields: async () => ({}), words: /^Conflict: the history \S+ is in use by another application/ },
  {
    what: 'network.i2p',
    fields: async () => ({ ...inject('peers').i2p.sam, destination: 'persistent' }),
    words: /^AlreadyExists: .*is in use, by another overlay or another application/,
  },
  {
    what: 'network.tailscale',
    async fields(stack) {
      const tailnet = stack.use(await Tailnet.start())
      return { control_url: tailnet.url, auth_key: await tailnet.key(), hostname: 'twin' }
    },
    words: /^Conflict: .*is in use by another node/,
  },
]

it.each(cases)(
  '$what: the second is refused with a message, until the first is killed',
  { timeout: 180_000 },
  async ({ what, fields, words }) => {
    await using stack = new AsyncDisposableStack()
    const [folder, entry] = [await stateFolder(stack), await fields(stack)]
    const first = await started(what, folder, entry)
    stack.defer(async () => first.end())
    expect(first.said).toBe('held')
    const second = await started(what, folder, entry)
    expect(second.said).toMatch(words)
    await second.end()
    await first.end()
    // The process that holds it for the first program ends after it.
    await expect
      .poll(
        async () => {
          const third = await started(what, folder, entry)
          await third.end()
          return third.said
        },
        { timeout: 90_000, interval: 500 },
      )
      .toBe('held')
  },
)
