import type { LogNote } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { type KernelFixture, startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

const host = 'app:host'

const kinds = [{ isolation: 'thread' }, { isolation: 'shared', workers: 1 }] as const

function errorsOf(kernel: KernelFixture): readonly { readonly message: string; readonly note: LogNote }[] {
  return kernel.notes.filter(({ note }) => note.level === 'error')
}

describe.each(kinds)('a process in a host of $isolation', (settings) => {
  it.each([
    ['fail.atOnce', { name: 'RangeError', message: 'far', code: 'E_FAR', cause: { name: 'TypeError' } }],
    ['fail.returnsOddly', { kind: 'Invalid', details: { path: 'payload.run' } }],
    ['fail.exits', { message: 'it called process.exit(3)' }],
    ['none.such', { kind: 'NotFound' }],
  ])('that fails leaves one line, monitored or not: %s', async (program, error) => {
    await using kernel = await startKernel({ programs: [program], host: settings })
    await kernel.exec(program).catch(() => undefined)
    await kernel.noted(1)
    const pid = await processes.spawn(`app:${program}`, host)
    await kernel.noted(2)
    expect(errorsOf(kernel)).toMatchObject([
      { message: 'failed', note: { entry: `app:${program}`, error } },
      { message: 'failed', note: { entry: `app:${program}`, pid, error } },
    ])
  })

  it('that fails leaves its line before its last messages are read', async () => {
    await using kernel = await startKernel({ programs: ['fail.deaf', 'fail.overfills'], host: settings })
    const reader = await processes.spawn('app:fail.deaf', host)
    const pid = await processes.spawn('app:fail.overfills', host, reader)
    // The reader never reads.
    await processes.exited(pid)
    expect(errorsOf(kernel)).toMatchObject([{ message: 'failed', note: { error: { message: 'far' } } }])
  })

  it('that was cancelled leaves none', async () => {
    await using kernel = await startKernel({ programs: ['fail.waits'], host: settings })
    for (const end of [processes.cancel, processes.terminate]) {
      const pid = await processes.spawn('app:fail.waits', host)
      const ended = processes.exited(pid)
      await end(pid)
      await ended
    }
    expect(errorsOf(kernel)).toEqual([])
  })
})

it.each(['fail.afterwards', 'fail.rejectsAfterwards'])(
  'an error after the end of a process leaves a line: %s',
  async (program) => {
    await using kernel = await startKernel({ programs: [program], host: { isolation: 'shared', workers: 1 } })
    const pid = await processes.spawn(`app:${program}`, host)
    await kernel.noted(1)
    expect(errorsOf(kernel)).toMatchObject([
      {
        message: expect.stringContaining('after it had ended') as string,
        note: { entry: `app:${program}`, pid, error: { message: 'left over' } },
      },
    ])
  },
)

it('a process that another started in its own thread leaves a line', async () => {
  await using kernel = await startKernel({
    programs: ['fail.parent', 'fail.atOnce'],
    host: { isolation: 'shared', workers: 1 },
  })
  await kernel.exec('fail.parent')
  await kernel.noted(1)
  expect(errorsOf(kernel)).toMatchObject([
    { message: 'failed', note: { entry: 'app:fail.atOnce', error: { message: 'far' } } },
  ])
})
