import { once } from 'node:events'
import { expect, describe, it } from 'vitest'
import { processes, start } from '../index.ts'

const program = new URL('fixtures/service.ts', import.meta.url)
const quiet = { onLog: () => {}, root: import.meta.dirname } as const

describe('app.spawn', () => {
  it('gives a handle outside of processes, and removes the entry with the last process', async () => {
    await using app = await start(quiet)
    const { registry } = app.application
    const before = registry.entries().length
    const first = await app.spawn(program, 'hi')
    const second = await app.spawn({ source: program, method: 'main', name: 'second', timeout: '1h' })
    const third = await app.spawn(program)
    expect(registry.entries()).toHaveLength(before + 2)
    expect(await first.call('name', 'ann')).toBe('hi ann')
    expect(await processes.call('second', 'name', 'ann')).toBe('hello ann')

    const exit = once(first, 'exit')
    await first.send('end')
    expect(await exit).toEqual([{ value: 'ended' }])
    expect(await first.exited).toEqual({ value: 'ended' })
    expect(await first.stop()).toEqual({ value: 'ended' })
    await expect(first.call('name')).rejects.toMatchObject({ kind: 'NotFound' })

    expect(await third.stop()).toEqual({ value: 'stopped' })
    await second[Symbol.asyncDispose]()
    await expect.poll(() => registry.entries().length).toBe(before)
  })

  it('reports how a process failed, and ends one that does not stop', async () => {
    await using app = await start(quiet)
    const crashing = await app.spawn(program)
    await crashing.send('crash')
    expect(await crashing.exited).toMatchObject({ error: { message: 'crashed on purpose' } })

    const stubborn = await app.spawn(program)
    await stubborn.send('stubborn')
    expect(await stubborn.stop({ timeout: 50 })).toMatchObject({ error: { kind: 'Canceled' } })
  })

  it('refuses what is wrong, and leaves no entry', async () => {
    await using app = await start(quiet)
    const before = app.application.registry.entries().length
    const source = program
    await expect(app.spawn({ source: './service.ts' })).rejects.toThrow('spawn: expected the URL of a file')
    await expect(app.spawn({ source, network: 'tor' })).rejects.toThrow('app:tor')
    await expect(app.spawn({ source, host: 'none' })).rejects.toThrow('app:none')
    await expect(app.spawn({ source, host: 'a b' })).rejects.toThrow('spawn: host: "a b" is not a name')
    await expect(app.spawn(program, () => 1)).rejects.toMatchObject({ kind: 'Invalid' })
    await expect.poll(() => app.application.registry.entries().length).toBe(before)
    const none = await app.spawn({ source, method: 'none' })
    expect(await none.exited).toMatchObject({ error: { kind: 'NotFound' } })
  })

  it('settles its handles when the application stops', async () => {
    const app = await start(quiet)
    const handle = await app.spawn(program)
    const exit = once(handle, 'exit')
    await app.stop()
    expect(await handle.exited).toMatchObject({
      error: { kind: expect.stringMatching(/Canceled|Unavailable/) as string },
    })
    await exit
    await handle.stop()
    await expect(handle.send('name')).rejects.toMatchObject({ kind: 'Invalid' })
  })
})
