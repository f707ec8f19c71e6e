import { describe, expect, it } from 'vitest'
import { processes } from '../index.ts'
import { startApp, type WrittenEntry } from './index.ts'

const root = import.meta.dirname
const overlay = (name: string): WrittenEntry => ({
  id: `app:${name}`,
  kind: 'network.socks5',
  host: '127.0.0.1',
  port: 9,
})
const entries: readonly WrittenEntry[] = [
  overlay('one'),
  overlay('two'),
  { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } },
  { id: 'app:greeter', kind: 'process.ts', source: 'file://fixtures/app/src/greeter.ts', method: 'greeter' },
]

describe('a probe with a network', () => {
  it('sends, calls, spawns and receives messages in it', async () => {
    await using app = await startApp({ root, entries })
    await using probe = await app.probe({ name: 'ear', network: 'app:one' })
    const pid = await probe.spawn('app:greeter', 'app:host', 'ear')
    expect(app.app.kernel.processes.get(pid)?.frame.overlay).toBe('app:one')
    expect(await probe.call(pid, 'name', 'world')).toBe('done')
    const greeting = await probe.next({ topic: 'greeting' })
    expect(greeting).toMatchObject({ payload: 'hello world', from: pid, frame: { overlay: 'app:one' } })
    const asked = processes.call('ear', 'question', 1)
    await (await probe.next()).reply(2)
    expect(await asked).toBe(2)
    await probe.send(pid, 'fail', 'oops')
    expect(await probe.event('EXIT')).toMatchObject({ from: pid, result: { error: { message: 'oops' } } })
  })

  it('shows the treatment of messages from other networks', async () => {
    await using app = await startApp({ root, entries })
    await using one = await app.probe({ network: 'app:one' })
    await using two = await app.probe({ network: 'app:two' })
    await using open = await app.probe({ network: null, accepts: ['app:one'] })
    await expect(one.send(two.pid, 'hello')).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { code: 'ENETWORK' },
    })
    await expect(two.send(open.pid, 'hello')).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { code: 'ENETWORK' },
    })
    await one.send(open.pid, 'hello', 1)
    expect(await open.next()).toMatchObject({ topic: 'hello', from: one.pid, payload: 1 })
  })

  it('refuses closures, with the reason', async () => {
    await using app = await startApp({ root, entries })
    await using probe = await app.probe({ network: 'app:one' })
    expect(() => probe.run(() => 1)).toThrow(
      /a thread of its own network, where a function of the test's thread cannot run/,
    )
  })

  it('reports what it waited for at a timeout, ends when cancelled, and is refused in an absent overlay', async () => {
    await using app = await startApp({ root, entries })
    await expect(app.probe({ network: 'app:nowhere' })).rejects.toMatchObject({ kind: 'NotFound' })
    await using probe = await app.probe({ network: 'app:one' })
    await expect(probe.next({ timeout: 1 })).rejects.toMatchObject({ kind: 'Timeout' })
    await expect(probe.event('EXIT', { timeout: 1 })).rejects.toThrow('no EXIT arrived')
    const [cancelled, refused] = [probe.event('CANCEL'), probe.next().catch((error: unknown) => error)]
    // Sends the reply after both orders have arrived.
    await expect(probe.next({ timeout: 1 })).rejects.toMatchObject({ kind: 'Timeout' })
    const ended = processes.exited(probe.pid)
    await processes.cancel(probe.pid, 'enough')
    expect(await cancelled).toMatchObject({ reason: 'enough' })
    expect(await refused).toMatchObject({ kind: 'Canceled' })
    expect(await ended).toEqual({ value: undefined })
    await probe.end()
  })

  it('returns the requested value', async () => {
    await using app = await startApp({ root, entries })
    await using probe = await app.probe({ network: 'app:two' })
    const ended = processes.exited(probe.pid)
    await probe.end('bye')
    expect(await ended).toEqual({ value: 'bye' })
  })
})
