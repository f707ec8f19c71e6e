import { emptyFrame, entryId, fork, runInFrame } from '@troupe/core'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Target } from '../../overlay/overlay.ts'
import { associate } from '../../dial/dial.ts'
import { granted, greeting, route } from './testing/sample.ts'
import { readRequest, type Script, ScriptedProxy } from './testing/scripted-proxy.ts'

/** The proxy's relay in these tests: it sends back what it receives, including the header. */
let relay: DatagramSocket
let packets: Buffer[]

beforeEach(async () => {
  packets = []
  relay = createSocket('udp4', (packet, from) => {
    packets.push(packet)
    relay.send(packet, from.port, from.address)
  })
  await once(relay.bind(0, '127.0.0.1'), 'listening')
})
afterEach(() => relay.close())

const portBytes = (port: number) => [port >> 8, port & 255]
const answer = (address: readonly number[], port = relay.address().port) =>
  Buffer.from([5, 0, 0, 1, ...address, ...portBytes(port)])

/** Grants an association at `address`, and keeps the connection open. */
const granting =
  (address: readonly number[]): Script =>
  async (socket, read) => {
    await read(3)
    socket.write(greeting)
    await readRequest(read)
    socket.write(answer(address))
  }

const message = async (association: Awaited<ReturnType<typeof associate>>) => {
  const [data, from] = (await once(association, 'message')) as [Buffer, Target]
  return [String(data), from]
}

describe('datagrams', () => {
  it.each([
    ['IPv4', { host: '192.0.2.7', port: 53 }, '00000001c00002070035'],
    [
      'a name',
      { host: 'bücher.example', port: 5353 },
      `0000000315${Buffer.from('xn--bcher-kva.example').toString('hex')}14e9`,
    ],
    ['IPv6', { host: '2001:db8::1', port: 1 }, '0000000420010db80000000000000000000000010001'],
  ])('are sent to %s, and received from it', async (_name, target, header) => {
    await using proxy = await ScriptedProxy.start(granting([127, 0, 0, 1]))
    using association = await associate(route(proxy))
    await association.send(Buffer.from('hello'), target)
    const ascii = { ...target, host: target.host.replace('bücher', 'xn--bcher-kva') }
    expect(await message(association)).toEqual(['hello', ascii])
    expect(packets[0]?.toString('hex')).toBe(header + Buffer.from('hello').toString('hex'))
  })

  it('are sent to the address of the proxy, when it replies "any"', async () => {
    await using proxy = await ScriptedProxy.start(granting([0, 0, 0, 0]))
    using association = await associate(route(proxy))
    await association.send(Buffer.from('hello'), { host: 'a.test', port: 1 })
    expect(await message(association)).toEqual(['hello', { host: 'a.test', port: 1 }])
  })

  it('are sent inside an overlay', async () => {
    await using proxy = await ScriptedProxy.start(granting([127, 0, 0, 1]))
    await runInFrame(fork(emptyFrame, { overlay: entryId('app:proxy') }), async () => {
      using association = await associate(route(proxy))
      await association.send(Buffer.from('hello'), { host: 'a.test', port: 1 })
      expect(await message(association)).toEqual(['hello', { host: 'a.test', port: 1 }])
    })
  })

  it('of any bytes never break it; fragments and datagrams without a header are dropped', async () => {
    await using proxy = await ScriptedProxy.start(granting([127, 0, 0, 1]))
    using association = await associate(route(proxy))
    await association.send(Buffer.from('first'), { host: 'a.test', port: 1 })
    await message(association)
    const taken: string[] = []
    association.on('message', (data) => taken.push(String(data)))
    const client = await new Promise<{ port: number; address: string }>((resolve) => {
      relay.once('message', (_packet, from) => resolve(from))
      void association.send(Buffer.from('who'), { host: 'a.test', port: 1 })
    })
    const noise = fc.sample(fc.uint8Array({ maxLength: 30 }), 200).map((bytes) => Buffer.from([0, 0, 1, ...bytes]))
    const headless = fc.sample(fc.uint8Array({ maxLength: 2 }), 20).map((bytes) => Buffer.from(bytes))
    const cut = [1, 3, 4].map((type) => Buffer.from([0, 0, 0, type, 9, 1, 2]))
    for (const packet of [...noise, ...headless, ...cut, Buffer.from([0, 0, 0, 7, 1, 2, 3, 4, 0, 1])])
      relay.send(packet, client.port, client.address)
    relay.send(Buffer.from([0, 0, 0, 1, 127, 0, 0, 1, 0, 9, ...Buffer.from('last')]), client.port, client.address)
    await expect.poll(() => taken).toContain('last')
    expect(taken).toEqual(['who', 'last'])
  })

  it('end with the connection, on either side', async () => {
    await using proxy = await ScriptedProxy.start(async (socket, read) => {
      await granting([127, 0, 0, 1])(socket, read)
      socket.end()
    })
    const association = await associate(route(proxy))
    const closed: unknown[] = await once(association, 'close')
    expect(closed[0]).toMatchObject({ kind: 'Unavailable', retryable: true })
    await expect(association.send(Buffer.from('x'), { host: 'a.test', port: 1 })).rejects.toMatchObject({
      kind: 'Unavailable',
    })

    await using other = await ScriptedProxy.start(granting([127, 0, 0, 1]))
    const ours = await associate(route(other))
    ours.close()
    ours.close()
    await other.deserted()
  })

  it('may be too long, or have no destination', async () => {
    await using proxy = await ScriptedProxy.start(granting([127, 0, 0, 1]))
    using association = await associate(route(proxy))
    await expect(association.send(Buffer.alloc(65_536), { host: 'a.test', port: 1 })).rejects.toMatchObject({
      kind: 'Invalid',
    })
    await expect(association.send(Buffer.alloc(1), { host: 'a.test', port: 0 })).rejects.toMatchObject({
      kind: 'Invalid',
    })
  })

  it('are not supported behind another overlay, by a proxy that refuses them, or by another driver', async () => {
    await using proxy = await ScriptedProxy.start(async (socket, read) => {
      await read(3)
      socket.write(greeting)
      await readRequest(read)
      socket.end(Buffer.from([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]))
    })
    const refused = { kind: 'Invalid', message: expect.stringContaining('not supported') as string }
    await expect(associate(route(proxy))).rejects.toMatchObject(refused)
    await expect(associate(route(proxy, { via: route(proxy) }))).rejects.toMatchObject(refused)
  })

  it('need a relay with an IP address', async () => {
    await using proxy = await ScriptedProxy.start(async (socket, read) => {
      await read(3)
      socket.write(greeting)
      await readRequest(read)
      socket.write(granted.name)
    })
    await expect(associate(route(proxy))).rejects.toMatchObject({ kind: 'Unavailable' })
    await proxy.deserted()
  })
})
