/** Where datagrams of an overlay are sent, and the effect of their socket's options. */
import dgram, { createSocket, type SocketOptions } from 'node:dgram'
import dns from 'node:dns'
import { EventEmitter } from 'node:events'
import { BlockList } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AssociationEvents } from '../../overlay/association.ts'
import { addDriver } from '../../dial/dial.ts'
import type { Target } from '../../overlay/overlay.ts'
import { installGuard } from '../install.ts'
import { a, containing, inNetwork, type Lab, startLab } from '../testing/lab.ts'

class Recording extends EventEmitter<AssociationEvents> {
  async send(_data: Uint8Array, { host, port }: Target): Promise<void> {
    targets.push(`${host}:${port}`)
    return Promise.resolve()
  }
  close(): void {}
  [Symbol.dispose](): void {}
}
const targets: string[] = []
let lab: Lab

beforeAll(async () => {
  installGuard()
  lab = await startLab()
  addDriver({
    name: 'recording',
    dial: async () => Promise.reject(new Error('no')),
    associate: async () => Promise.resolve(new Recording()),
  })
  lab.routes.set(a, { overlay: a, generation: 1, driver: 'recording', config: undefined })
})
afterAll(async () => lab[Symbol.asyncDispose]())

/** Returns where a datagram to `host` went, or why it did not. */
async function send(host: string, options: Partial<SocketOptions> = {}): Promise<unknown> {
  return inNetwork(a, async () => {
    const socket = createSocket({ type: 'udp4', ...options })
    try {
      await new Promise<void>((resolve, reject) =>
        socket.send('x', 9, host, (error) => (error ? reject(error) : resolve())),
      )
      return targets.at(-1)
    } catch (error) {
      return error
    } finally {
      socket.close()
    }
  })
}

it('names are sent as names, and stand-in addresses as their names', async () => {
  expect(await send('web.test')).toBe('web.test:9')
  const { address } = await inNetwork(a, async () => dns.promises.lookup('bank.test'))
  expect(await send(address)).toBe('bank.test:9')
  expect(await send(`::ffff:${address}`)).toBe('bank.test:9')
  expect(await send('198.19.255.1')).toMatchObject({ kind: 'Invalid', message: containing('Pass the name on') })
  expect(targets.filter((target) => target.startsWith('198.'))).toEqual([])
})

it('a lookup function of the socket is called', async () => {
  const lookup: SocketOptions['lookup'] = (name, _options, done) => {
    if (name === 'forbidden.test') done(new Error('forbidden'), '', 4)
    else done(null, '192.0.2.1', 4)
  }
  expect(await send('web.test', { lookup })).toBe('192.0.2.1:9')
  expect(await send('forbidden.test', { lookup })).toMatchObject({ message: 'forbidden' })
  expect(await send('192.0.2.7', { lookup })).toBe('192.0.2.7:9')
})

it('a list of forbidden addresses is applied, and refused for names', async () => {
  const sendBlockList = new BlockList()
  sendBlockList.addAddress('192.0.2.7')
  expect(await send('192.0.2.7', { sendBlockList })).toMatchObject({ code: 'ERR_IP_BLOCKED' })
  expect(await send('192.0.2.8', { sendBlockList })).toBe('192.0.2.8:9')
  expect(await send('web.test', { sendBlockList })).toMatchObject({
    code: 'EOVERLAY',
    message: containing('sendBlockList'),
  })
})

it('sockets keep their class', () => {
  const socket = dgram.createSocket('udp4')
  expect(socket).toBeInstanceOf(dgram.Socket)
  socket.close()
})

it('a bound socket keeps its thread alive until unref() or close()', async () => {
  const seen = await inNetwork(a, async () => {
    const holding = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = holding()
    const [bound, released] = [createSocket('udp4').bind(0), createSocket('udp4').unref().bind(0)]
    const counts = [holding(), (bound.unref(), holding()), (bound.ref(), holding()), (released.ref(), holding())]
    bound.close()
    released.close()
    return Promise.resolve([...counts, holding()].map((count) => count - before))
  })
  expect(seen).toEqual([1, 0, 1, 2, 0])
})
