/** Filters by which callers exclude addresses are called, or the connection is refused. */
import dns from 'node:dns'
import { once } from 'node:events'
import net, { BlockList, isIP, type LookupFunction } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPrivateAddress } from '../dial/private-addresses.ts'
import { isFakeAddress } from './dns/fake-addresses.ts'
import { installGuard } from './install.ts'
import { a, containing, eventOf, inNetwork, type Lab, listening, startLab } from './testing/lab.ts'

const server = net.createServer((socket) => socket.on('error', () => {}).end('reached'))
let lab: Lab
let port = 0
/** A port without a listener. */
/** Nothing listens there: the system assigns no port below its ephemeral range. */
const closedPort = 2

beforeAll(async () => {
  port = await listening(server)
  installGuard()
  lab = await startLab()
})
afterAll(async () => {
  server.close()
  await lab[Symbol.asyncDispose]()
})

/** Returns the result of `net.connect` with these options, in the overlay. */
async function connect(
  options: Partial<net.TcpNetConnectOpts>,
  prepare: (socket: net.Socket) => void = () => {},
): Promise<unknown> {
  return inNetwork(a, async () => {
    const socket = net.connect({ port, ...options })
    prepare(socket)
    try {
      await once(socket, 'connect')
      return 'connected'
    } catch (error) {
      return error
    } finally {
      socket.destroy()
    }
  })
}

/** Like filters of HTTP agents: they check the addresses of the name. */
function filtered(seen: string[], allowed: (address: string) => boolean): LookupFunction {
  return (name, options, done) => {
    dns.lookup(name, { ...options, all: true }, (error, found) => {
      seen.push(...(error ? [] : found.map(({ address }) => address)))
      const denied = error ? undefined : found.find(({ address }) => !allowed(address))
      const [first] = error ? [] : found
      if (error || denied !== undefined || first === undefined)
        done(error ?? new Error(`${String(denied?.address)} is blocked`), [])
      else if (options.all === true) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}

const isStandIn = (address: string) => isFakeAddress(address) || !isPrivateAddress(address)

/** The notations of this machine that resolvers parse without a query. */
const locals = ['localhost', 'LOCALHOST.', 'app.localhost', '127.1', '0x7f.1', '2130706433', '017700000001']

describe('a lookup function of the caller', () => {
  it('gets the stand-in address of a name, and its result is where the connection leads', async () => {
    const seen: string[] = []
    expect(await connect({ host: 'web.test', lookup: filtered(seen, isStandIn) })).toBe('connected')
    expect(seen.map(isFakeAddress)).toEqual([true])
    expect(lab.asked.get(a)?.at(-1)).toBe(`web.test:${port}`)
    const elsewhere: LookupFunction = (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
    expect(await connect({ host: 'web.test', lookup: elsewhere })).toBe('connected')
    expect(lab.asked.get(a)?.at(-1)).toBe(`127.0.0.1:${port}`)
  })

  it.each(locals)('can block connections to this machine, as %s', async (host) => {
    const before = lab.asked.get(a)?.length
    expect(await connect({ host, lookup: filtered([], isStandIn) })).toMatchObject({
      message: containing('is blocked'),
    })
    expect(lab.asked.get(a)?.length).toBe(before)
  })

  it('that returns several addresses has them tried in turn', async () => {
    const several: LookupFunction = (_name, _options, done) =>
      done(null, [
        { address: '127.0.0.77', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ])
    const seen: unknown[] = []
    const attempt = await connect({ host: 'web.test', port: closedPort, lookup: several }, (socket) => {
      socket.on('lookup', (_error, address) => seen.push(address))
    })
    expect(attempt).toMatchObject({ code: 'ECONNREFUSED' })
    expect(lab.asked.get(a)?.slice(-2)).toEqual([`127.0.0.77:${closedPort}`, `127.0.0.1:${closedPort}`])
    expect(new Set(seen)).toEqual(new Set(['127.0.0.77', '127.0.0.1']))
  })

  it('is called for one address if the caller wants no choice', async () => {
    const asked: unknown[] = []
    const one: LookupFunction = (_name, { all }, done) => {
      asked.push(all)
      done(null, '127.0.0.1', 4)
    }
    expect(await connect({ host: 'web.test', lookup: one, autoSelectFamily: false })).toBe('connected')
    expect(asked).toEqual([undefined])
  })

  it('that fails, fails the connection', async () => {
    const failing: LookupFunction = (_name, _options, done) => done(new Error('not today'), [])
    expect(await connect({ host: 'web.test', lookup: failing })).toMatchObject({ message: 'not today' })
    const useless: LookupFunction = (_name, _options, done) => done(null, 'no address', 4)
    expect(await connect({ host: 'web.test', lookup: useless })).toMatchObject({ code: 'ERR_INVALID_IP_ADDRESS' })
  })
})

describe('a listener of lookup events', () => {
  it.each(locals)('that ends the socket blocks connections to this machine, as %s', async (host) => {
    const before = lab.asked.get(a)?.length
    const attempt = await connect({ host }, (socket) => {
      socket.on('lookup', (_error, address) => {
        if (!isStandIn(address)) socket.destroy(new Error(`${address} is blocked`))
      })
    })
    expect(attempt).toMatchObject({ message: containing('is blocked') })
    expect(lab.asked.get(a)?.length).toBe(before)
  })

  it('gets the stand-in address of a name', async () => {
    const seen: unknown[] = []
    await connect({ host: 'web.test' }, (socket) => {
      socket.on('lookup', (error, address, family, host) => seen.push([error, isFakeAddress(address), family, host]))
    })
    expect(seen).toEqual([[null, true, 4, 'web.test']])
  })
})

describe('a list of forbidden addresses', () => {
  const blockList = new BlockList()
  blockList.addSubnet('127.0.0.0', 8)

  it.each(['127.0.0.1', ...locals])('blocks connections to %s', async (host) => {
    const before = lab.asked.get(a)?.length
    expect(await connect({ host, blockList })).toMatchObject({ code: 'ERR_IP_BLOCKED' })
    expect(lab.asked.get(a)?.length).toBe(before)
  })

  it('allows other addresses, and refuses names, which it cannot check', async () => {
    expect(await connect({ host: '127.0.0.1', blockList: new BlockList() })).toBe('connected')
    const refused = { code: 'EOVERLAY', kind: 'PermissionDenied', message: containing('blockList') }
    expect(await connect({ host: 'web.test', blockList })).toMatchObject(refused)
    const { address } = await inNetwork(a, async () => dns.promises.lookup('web.test'))
    expect(await connect({ host: address, blockList })).toMatchObject(refused)
    const elsewhere: LookupFunction = (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
    expect(await connect({ host: 'web.test', blockList, lookup: elsewhere })).toMatchObject({ code: 'ERR_IP_BLOCKED' })
  })
})

describe('an address that stands for a name', () => {
  it('leads to the name in every form in which it can be used', async () => {
    const { address } = await inNetwork(a, async () => dns.promises.lookup('web.test'))
    const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    const hex = number.toString(16)
    const forms = [
      address,
      `::ffff:${address}`,
      `::FFFF:${hex.slice(0, 4)}:${hex.slice(4)}`,
      String(number),
      `0x${hex}`,
      `0${number.toString(8)}`,
    ]
    for (const host of forms) {
      expect([host, await connect({ host })]).toEqual([host, 'connected'])
      expect(lab.asked.get(a)?.at(-1)).toBe(`web.test:${port}`)
    }
  })

  it.each(['198.19.200.1', '::ffff:c613:c801', '0xc613c801', '198.18.0.0'])(
    'that is unknown is refused: %s',
    async (host) => {
      const before = lab.asked.get(a)?.length
      expect(await connect({ host })).toMatchObject({
        kind: 'Invalid',
        code: 'EOVERLAY',
        message: containing('Pass the name on'),
      })
      const answering: LookupFunction = (_name, _options, done) =>
        done(null, [{ address: host, family: isIP(host) || 4 }])
      if (isIP(host) !== 0)
        expect(await connect({ host: 'web.test', lookup: answering })).toMatchObject({ kind: 'Invalid' })
      expect(lab.asked.get(a)?.length).toBe(before)
    },
  )

  it('is shown by a socket, and leads back', async () => {
    await inNetwork(a, async () => {
      const socket = net.connect(port, 'shown.test')
      await once(socket, 'connect')
      const { remoteAddress = '' } = socket
      socket.destroy()
      expect(isFakeAddress(remoteAddress)).toBe(true)
      const again = net.connect(port, remoteAddress)
      await eventOf(again, 'connect')
      again.destroy()
      expect(lab.asked.get(a)?.at(-1)).toBe(`shown.test:${port}`)
    })
  })
})
