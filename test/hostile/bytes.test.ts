/**
 * Bytes for a thread that does not read: a sender that waits is delayed, one that does not is ended, and the memory of
 * the program, counted by the system, stays within what is documented.
 */
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { useLauncher } from '../peers/launcher.ts'
import { measured } from './memory.ts'

const canIsolate = process.allowedNodeEnvironmentFlags.has('--allow-net') && process.platform === 'linux'
const program = fileURLToPath(new URL('flood-program.ts', import.meta.url))
/** MiB that a flood sends. Without a limit, most of it would be in memory at once. */
const sent = 2000
/** MiB of the program itself, what may be on its way, what may wait, and what is not collected yet. */
const most = 1300

interface Flooded {
  readonly outcome: { readonly value?: { readonly longest: number; readonly bytes: number }; readonly error?: string }
  readonly others: string
  readonly rest: string
  readonly log: readonly string[]
}

function parsed(text: string): Flooded
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

async function flooded(from: string, to: string, kind: string, manner: string, count = sent) {
  const { stdout, peak } = await measured(program, from, to, kind, manner, String(count))
  return { ...parsed(stdout), peak }
}

const errors = (log: readonly string[]) => log.filter((line) => line.startsWith('ERROR'))

describe.runIf(process.platform === 'linux')('a flood of large messages', () => {
  beforeAll(async () => {
    if (canIsolate) await useLauncher()
  })

  const places = [
    ['thread', 'thread'],
    ['shared', 'thread'],
    ...(canIsolate
      ? [
          ['thread', 'process'],
          ['process', 'thread'],
        ]
      : []),
  ]

  it.each(places)('of a sender that waits settles later: from a %s to a %s', async (from, to) => {
    const { outcome, others, rest, log, peak } = await flooded(from ?? '', to ?? '', 'sends', 'waits', 400)
    expect(outcome.value?.bytes).toBe(400 * 2 ** 20)
    // It waited for most of the time for which the receiver was blocked.
    expect(outcome.value?.longest).toBeGreaterThan(500)
    expect([others, rest, errors(log)]).toEqual(['here', 'here', []])
    expect(peak).toBeLessThan(most)
  })

  it.each(places.filter(([from]) => from !== 'process'))(
    'of a sender that does not wait ends it, and nothing else: from a %s to a %s',
    async (from, to) => {
      const { outcome, others, rest, log, peak } = await flooded(from ?? '', to ?? '', 'sends', 'regardless')
      expect(outcome.error).toContain('did not wait')
      expect([others, rest]).toEqual(['here', 'here'])
      expect(errors(log)).toEqual([expect.stringMatching(/app:flood <.*> failed: Unavailable: it sent more/)])
      expect(peak).toBeLessThan(most)
    },
  )

  it('of calls that wait is delayed', async () => {
    const { outcome, log } = await flooded('thread', 'thread', 'calls', 'waits', 20)
    expect([outcome.error, errors(log)]).toEqual([undefined, []])
  })

  it.each(['calls', 'raw calls'])('of %s that do not wait ends their sender, and nothing else', async (kind) => {
    const { outcome, others, rest, peak } = await flooded('thread', 'thread', kind, 'regardless')
    expect(outcome.error).toContain('did not wait')
    expect([others, rest]).toEqual(['here', 'here'])
    expect(peak).toBeLessThan(most)
  })

  it.runIf(canIsolate)('of frames that an operating-system process writes itself ends it', async () => {
    const { outcome, others, rest, log, peak } = await flooded('process', 'thread', 'frames', 'regardless')
    expect(outcome.error).toContain('than that thread reads, and did not wait')
    expect([others, rest]).toEqual(['here', 'here'])
    expect(
      log.filter((line) => line.includes('operating-system process, was ended: it sent more to thread')),
    ).toHaveLength(1)
    expect(peak).toBeLessThan(most)
  })
})
