import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const program = join(import.meta.dirname, '../fixtures/live/thousand-changes.ts')

describe('a thousand random changes', () => {
  it('leave no thread, socket, port or timer behind', { timeout: 300_000 }, async () => {
    // In a separate program, because a test runner has timers and sockets that come and go.
    const { stdout } = await run(process.execPath, [program])
    const { before, after, refused, requests } = JSON.parse(stdout) as Record<string, unknown>
    expect(after).toEqual(before)
    expect([refused, requests]).toEqual([
      expect.toSatisfy((count: number) => count > 50),
      expect.toSatisfy((count: number) => count > 5),
    ])
  })
})
