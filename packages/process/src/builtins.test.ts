/**
 * Code that replaces builtins of JavaScript that the runtime of its thread needs: nothing hangs, and the error names
 * the reason.
 */
import { type ErrorKind, TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes } from './index.ts'
import { hostId, startKernel } from './testing/start-kernel.ts'

const broken = [
  'push',
  'splice',
  'map',
  'iterator',
  'set',
  'get',
  'delete',
  'add',
  'weak',
  'Promise',
  'then',
  'withResolvers',
  'keys',
  'apply',
  'nextTick',
  'abort',
] as const

async function start(isolation: 'thread' | 'shared') {
  return startKernel({
    programs: [
      'crowd.member',
      ...['breaks', 'breaksAndWaits', 'breaksAndReturns', 'replaces'].map((name) => `builtins.${name}`),
    ],
    host: isolation === 'shared' ? { isolation, workers: 1 } : {},
  })
}

/** How the operation ended: it must end by itself. */
async function outcome(asked: Promise<unknown>): Promise<'value' | ErrorKind> {
  try {
    await asked
    return 'value'
  } catch (error) {
    return error instanceof TroupeError ? error.kind : 'Internal'
  }
}

describe.each(['thread', 'shared'] as const)('in a host of isolation %s', (isolation) => {
  it.each(broken)('a broken builtin leaves no caller waiting forever: %s', async (what) => {
    await using _ = await start(isolation)
    const other = await processes.spawn('app:crowd.member', hostId)
    const outcomes = [
      await outcome(processes.exec('app:builtins.breaks', hostId, what, other)),
      await outcome(processes.exec('app:builtins.breaksAndReturns', hostId, what)),
    ]
    const waiting = await processes.spawn('app:builtins.breaksAndWaits', hostId, what)
    outcomes.push(await outcome(processes.call(waiting, 'anything')))
    expect(outcomes).not.toContain('Timeout')
  })

  it('an equivalent replacement works', async () => {
    await using _ = await start(isolation)
    const other = await processes.spawn('app:crowd.member', hostId)
    expect(await processes.exec('app:builtins.replaces', hostId, other)).toBe(other)
  })
})

it.each([
  ['push', 'Array.prototype.push'],
  ['set', 'Map.prototype.set'],
  ['get', 'Map.prototype.get'],
])('the thread ends, and reports what was replaced: %s', async (what, name) => {
  await using kernel = await start('thread')
  const other = await processes.spawn('app:crowd.member', hostId)
  const cause = `code in it has replaced ${name}, and the replacement does not work as the runtime needs`
  const words = `its thread failed: ${cause}`
  await expect(processes.exec('app:builtins.breaks', hostId, what, other)).rejects.toMatchObject({
    kind: 'Internal',
    message: words,
  })
  await kernel.noted(1)
  expect(kernel.notes).toContainEqual(
    expect.objectContaining({
      message: 'failed',
      note: expect.objectContaining({ entry: 'app:builtins.breaks' }) as unknown,
    }),
  )
})
