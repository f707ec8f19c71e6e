import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './thread/processes.ts'

const host = 'app:host'

describe('a program that tries to pass for another', () => {
  it('does not find the port by which its thread speaks to the kernel', async () => {
    await using kernel = await startKernel({ programs: ['forge.findings'] })
    expect(await kernel.exec('forge.findings')).toMatchObject({ data: [] })
  })

  it('shouts at a parent that does not listen', async () => {
    await using kernel = await startKernel({ programs: ['forge.shout', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    await kernel.exec('forge.shout', victim)
    expect(await processes.call(victim, 'a', 5)).toBe(5)
  })

  it('is refused what it asks in the name of another', async () => {
    await using kernel = await startKernel({ programs: ['forge.claim', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    for (const by of [victim, '<0.0>', '<4711.1>'])
      await expect(kernel.exec('forge.claim', by)).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(await processes.call(victim, 'a', 5)).toBe(5)
  })

  it('tells the kernel nonsense, and the kernel goes on', async () => {
    await using kernel = await startKernel({ programs: ['forge.babble', 'talk.echo'] })
    const victim = await processes.spawn('app:talk.echo', host)
    expect(await kernel.exec('forge.babble', victim)).toBeUndefined()
    expect(await processes.call(victim, 'a', 5)).toBe(5)
    expect(kernel.kernel.processes.get(victim)?.entry).toBe('app:talk.echo')
    expect(kernel.kernel.deadLetters.count).toBe(0)
    expect(kernel.log.join('\n')).toContain('sent an invalid message')
  })
})
