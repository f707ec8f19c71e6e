import * as fc from 'fast-check'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { SocksClient } from 'socks'
import { describe, expect, it } from 'vitest'
import { commands, decodeHost, encodeHost, hostLength, loginOf, offers, requestOf } from './messages.ts'

const name = fc.domain()
const host = fc.oneof(fc.ipV4(), fc.ipV6(), name)
const port = fc.integer({ min: 1, max: 65_535 })
const credential = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })

describe('a host', () => {
  it('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(host, (sent) => {
        const [type, bytes] = encodeHost(sent)
        expect(hostLength(type, bytes[0] ?? 0)).toBe(bytes.length)
        const back = decodeHost(type, bytes)
        // IPv6 has many spellings.
        expect(encodeHost(back)).toEqual([type, bytes])
        if (type !== 4) expect(back).toBe(sent)
      }),
    )
  })

  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
    ['1::', '1::'],
  ])('%s is decoded as %s', (sent, decoded) => {
    expect(decodeHost(...encodeHost(sent))).toBe(decoded)
  })
})

describe('encoded messages', () => {
  it('equal those of the socks package, byte for byte', async () => {
    const login = fc.option(fc.record({ username: credential, password: credential }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(host, port, login, async (host, port, login) => {
        const theirs = await saidBySocks({ host, port }, login)
        const request = requestOf(commands.connect, { host, port })
        const ours = login ? [offers.either.greeting, loginOf(login), request] : [offers.none.greeting, request]
        expect(Buffer.concat(ours)).toEqual(theirs)
      }),
    )
  })
})

/** All bytes that `socks` sends to a proxy that accepts everything. */
async function saidBySocks(
  destination: { host: string; port: number },
  login?: { username: string; password: string },
): Promise<Buffer> {
  const [toProxy, socket] = [new PassThrough(), new PassThrough()]
  const answers = [
    Buffer.from([5, login ? 2 : 0]),
    ...(login ? [Buffer.from([1, 0])] : []),
    Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  ]
  const said: Buffer[] = []
  toProxy.on('data', (chunk: Buffer) => {
    said.push(chunk)
    queueMicrotask(() => socket.emit('data', answers.shift()))
  })
  socket.write = (chunk: Buffer) => toProxy.write(chunk)
  const client = new SocksClient({
    command: 'connect',
    proxy: { host: '127.0.0.1', port: 1, type: 5, ...(login && { userId: login.username, password: login.password }) },
    destination,
  })
  const established = once(client, 'established')
  client.connect(socket)
  await established
  return Buffer.concat(said)
}
