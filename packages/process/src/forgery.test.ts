import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'
import { nonsense } from './testing/programs/forge.ts'

const host = 'app:host'

describe('a program that impersonates another', () => {
  it('does not find the port of its thread to the kernel', async () => {
    await using kernel = await startKernel({ programs: ['forge.findings'] })
    expect(await kernel.exec('forge.findings')).toMatchObject({ data: [] })
  })

  it('sends messages to a parent that does not listen', async () => {
    await using kernel = await startKernel({ programs: ['forge.shout', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    await kernel.exec('forge.shout', victim)
    expect(await processes.call(victim, 'a', 5)).toBe(5)
  })

  it('is refused requests in the name of another', async () => {
    await using kernel = await startKernel({ programs: ['forge.claim', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    for (const by of [victim, '<0.0>', '<4711.1>'])
      await expect(kernel.exec('forge.claim', by)).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(await processes.call(victim, 'a', 5)).toBe(5)
  })

  it.each(nonsense)('that sends the kernel malformed messages ends with its thread: %s', async (name) => {
    await using kernel = await startKernel({ programs: ['forge.babble', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    await expect(kernel.exec('forge.babble', victim, name)).rejects.toMatchObject({
      kind: 'PermissionDenied',
      message: expect.stringContaining('its thread was ended') as unknown,
    })
    expect(await processes.call(victim, 'a', 5)).toBe(5)
    expect(kernel.kernel.processes.get(victim)?.entry).toBe('app:talk.echo')
    expect(kernel.kernel.deadLetters.count).toBe(0)
    const lines = kernel.notes.filter(({ message }) => message.includes('broke the protocol'))
    expect(lines).toMatchObject([{ note: { level: 'error', entry: 'app:forge.babble' } }])
  })

  it('that sends an invalid request is refused, and continues', async () => {
    await using kernel = await startKernel({ programs: ['forge.misask'] })
    const answers = await kernel.exec('forge.misask')
    const kinds = typeof answers === 'object' && answers !== null ? Object.values(answers) : []
    expect(kinds).toEqual(Array.from({ length: 22 }, () => 'Invalid'))
  })

  it('that posts without end is ended, and the kernel stays responsive', async () => {
    await using kernel = await startKernel({ programs: ['forge.flood', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    const end = kernel.exec('forge.flood').catch((error: unknown) => error)
    expect(await processes.call(victim, 'a', 5)).toBe(5)
    expect(await end).toMatchObject({
      kind: 'PermissionDenied',
      message: expect.stringContaining('under way') as unknown,
    })
    expect(await processes.call(victim, 'a', 6)).toBe(6)
  })

  it.each(['request', 'nonsense', 'list'])(
    'that posts handles ends with its thread, and they are closed: %s',
    async (where) => {
      await using kernel = await startKernel({ programs: ['forge.handles', 'talk.echo'] })
      const files = () => readdirSync('/proc/self/fd').length
      const victim = await processes.spawn('app:talk.echo', host)
      await processes.call(victim, 'a', 5)
      const before = files()
      await expect(kernel.exec('forge.handles', where)).rejects.toMatchObject({ kind: 'PermissionDenied' })
      await expect.poll(files).toBeLessThanOrEqual(before + 2)
      // A dropped handle is garbage-collected, which would end the program.
      setFlagsFromString('--expose-gc')
      const collect: unknown = runInNewContext('gc')
      if (typeof collect !== 'function') expect.unreachable()
      for (let i = 0; i < 5; i += 1) {
        Reflect.apply(collect, undefined, [])
        await new Promise(setImmediate)
      }
      expect(await processes.call(victim, 'a', 6)).toBe(6)
    },
  )

  it.each(['list', 'map', 'error'])('that nests values deeper than the stack harms only itself: %s', async (kind) => {
    await using kernel = await startKernel({ programs: ['forge.deep', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    const outcome = await kernel
      .exec('forge.deep', victim, kind)
      .catch((error: unknown) => (error instanceof TroupeError ? error.kind : error))
    expect(['done', 'PermissionDenied', 'Unavailable']).toContain(outcome)
    expect(await processes.call(victim, 'a', 6)).toBe(6)
  })

  it('that sends much data in valid messages waits until it is read, and nothing is lost', async () => {
    await using kernel = await startKernel({ programs: ['forge.chatter'] })
    expect(await kernel.exec('forge.chatter', 20_000)).toBe(20_000)
  })
})
