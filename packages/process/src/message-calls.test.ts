import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

const host = 'app:host'
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** For a promise that is awaited only after it may have failed. */
const failure = (error: unknown) => error

describe('calls', () => {
  it('get a reply', async () => {
    await using kernel = await startKernel({ programs: ['talk.echo', 'talk.call'] })
    const echo = await processes.withName('echo').spawn('app:talk.echo', host)
    expect(await processes.call(echo, 'a', { n: 1 })).toEqual({ n: 1 })
    expect(await processes.call('echo', 'a', 'by name')).toBe('by name')
    expect(await kernel.exec('talk.call', echo, 'a', 'from a process')).toBe('from a process')
    expect(await Promise.all(numbers(500).map(async (n) => processes.call(echo, 'n', n)))).toEqual(numbers(500))
  })

  it('reject for a reply that cannot be cloned, with its path; the callee continues, in any thread', async () => {
    await using kernel = await startKernel({ programs: ['talk.replyOddly', 'talk.call'] })
    const callee = await processes.spawn('app:talk.replyOddly', host)
    const ended = processes.exited(callee)
    const unfit = {
      kind: 'Invalid',
      message: expect.stringContaining('payload.deep[0]') as unknown,
      details: { path: 'payload.deep[0]' },
    }
    await expect(processes.call(callee, 'function')).rejects.toMatchObject(unfit)
    await expect(kernel.exec('talk.call', callee, 'function', undefined)).rejects.toMatchObject(unfit)
    expect(await processes.call(callee, 'error')).toMatchObject({
      error: { name: 'RangeError', message: 'far', code: 'E_FAR', cause: { name: 'TypeError' } },
    })
    expect(await processes.call(callee, 'bytes')).toEqual(new Uint8Array([1, 2, 3]))
    await processes.send(callee, 'end')
    expect(await ended).toEqual({ value: true })
  })

  it('to oneself are refused at once', async () => {
    await using kernel = await startKernel({ programs: ['talk.callSelf'] })
    expect(await kernel.exec('talk.callSelf', 'me')).toEqual(['Invalid', 'Invalid'])
  })

  it.each([{ isolation: 'thread' }, { isolation: 'shared', workers: 1 }] as const)(
    'that a selective receive passes over are replied to or refused, in a host of $isolation',
    async (settings) => {
      await using kernel = await startKernel({
        programs: ['talk.replyOnSignal', 'talk.callTimes'],
        host: { ...settings, queueSize: 8 },
      })
      const callee = await processes.spawn('app:talk.replyOnSignal', host)
      const calling = kernel.exec('talk.callTimes', callee, 30)
      // Refused messages make room for the others; the rest waits for the "go" message.
      await processes.send(callee, 'go')
      const outcomes = (await calling) as unknown[]
      for (const outcome of new Set(outcomes)) expect(['done', 'Unavailable']).toContain(outcome)
      expect(kernel.dead).toEqual([])
    },
  )

  it('reject with the error that ended the callee', async () => {
    await using kernel = await startKernel({ programs: ['talk.dieOnCall', 'talk.call', 'life.loop'] })
    const cause = { name: 'Error', message: 'I would rather not' }
    const message = expect.stringContaining('it ended with Error: I would rather not') as unknown
    const [one, other] = [
      await processes.spawn('app:talk.dieOnCall', host),
      await processes.spawn('app:talk.dieOnCall', host),
    ]
    await expect(processes.call(one, 'a')).rejects.toMatchObject({ kind: 'NotFound', message, cause })
    await expect(kernel.exec('talk.call', other, 'a', 1)).rejects.toMatchObject({ kind: 'NotFound', message, cause })
  })

  it('reject at once when the callee ends, in any way', async () => {
    await using _ = await startKernel({ programs: ['talk.dieOnCall', 'life.loop', 'life.forget', 'talk.ignore'] })
    const callee = await processes.spawn('app:talk.dieOnCall', host)
    await expect(processes.call(callee, 'a')).rejects.toMatchObject({ kind: 'NotFound' })
    for (const program of ['app:life.loop', 'app:life.forget']) {
      const busy = await processes.spawn(program, host)
      const calling = processes.call(busy, 'a').catch(failure)
      await processes.terminate(busy)
      expect(await calling).toMatchObject({ kind: 'NotFound' })
    }
    const stopping = await processes.spawn('app:talk.ignore', host)
    const calling = processes.call(stopping, 'a').catch(failure)
    await processes.cancel(stopping)
    expect(await calling).toMatchObject({ kind: 'NotFound' })
  })

  it('are no dead letters: their caller was notified', async () => {
    await using kernel = await startKernel({ programs: ['talk.ignore'] })
    const callee = await processes.spawn('app:talk.ignore', host)
    await expect(processes.call(callee, 'a', 1, { timeout: 20 })).rejects.toMatchObject({ kind: 'Timeout' })
    const calling = processes.call(callee, 'b').catch(failure)
    await processes.send(callee, 'c')
    await processes.cancel(callee)
    expect(await calling).toMatchObject({ kind: 'NotFound' })
    expect((await kernel.deadLetters(1)).map(({ topic }) => topic)).toEqual(['c'])
  })

  it('ignore late and second replies', async () => {
    await using _ = await startKernel({ programs: ['talk.late'] })
    const callee = await processes.spawn('app:talk.late', host)
    await expect(processes.call(callee, 'first', 1, { timeout: 20 })).rejects.toMatchObject({ kind: 'Timeout' })
    expect(await processes.call(callee, 'second', 2)).toBe('second')
  })
})
