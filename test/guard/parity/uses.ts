/** What code does with a plain socket and observes on it: the same in every kind of thread. */
import { once } from 'node:events'
import net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import tls from 'node:tls'
import { textOf, eventOf, eventsOf, codeOf, failureOf } from './observed.ts'
import { ownAddress, pem, type Ports } from './servers.ts'

const host = '127.0.0.1'

/** Resolves every name to this machine. */
const lookup: NonNullable<net.TcpSocketConnectOpts['lookup']> = (_name, options, done) => {
  if (options.all === true) done(null, [{ address: host, family: 4 }])
  else done(null, host, 4)
}

export const uses = {
  async 'TLS over a connecting socket, without a server name, checks the host that was asked for'({ secure }) {
    const names = ['secure.test', 'other.test']
    return Promise.all(
      names.map(async (name) => {
        const socket = tls.connect({ socket: net.connect({ port: secure, host: name, lookup }), ca: pem('ca.pem') })
        const outcome = await Promise.race([
          once(socket, 'secureConnect').then(() => socket.authorized),
          eventOf(socket, 'error').then(codeOf),
        ]).catch(codeOf)
        socket.destroy()
        return outcome
      }),
    )
  },

  async 'the order of events, and half-closing'({ echo }) {
    const socket = net.connect({ host, port: echo })
    const states = [socket.connecting, socket.pending, socket.readyState]
    const events = eventsOf(socket)
    socket.write('one ')
    socket.end('two')
    return { states, text: await textOf(socket), events: await events, after: [socket.connecting, socket.readyState] }
  },

  async 'its far end'({ echo }) {
    const socket = net.connect({ host, port: echo, noDelay: true, keepAlive: true })
    await once(socket, 'connect')
    const ends = [socket.remoteAddress, socket.remoteFamily, socket.remotePort, typeof socket.localPort]
    socket.destroy()
    return ends
  },

  async 'the first bytes of the server, to a reader that comes late'({ banner }) {
    const socket = net.connect(banner, host)
    await once(socket, 'connect')
    await turn()
    return textOf(socket)
  },

  async 'a buffer of the reader’s own, which is taken back for a while'({ banner }) {
    let text = ''
    let pauses = 0
    const callback = (length: number, buffer: Uint8Array) => {
      text += Buffer.from(buffer.subarray(0, length)).toString()
      pauses += 1
      setImmediate(() => socket.resume())
      return false
    }
    const socket = net.connect({ port: banner, host, onread: { buffer: Buffer.alloc(4), callback } })
    await once(socket, 'close')
    return { text, paused: pauses > 2 }
  },

  async 'back-pressure'({ echo }) {
    const socket = net.connect({ host, port: echo })
    await once(socket, 'connect')
    const chunk = Buffer.alloc(1 << 20, 'x')
    let sent = 0
    while (socket.write(chunk)) sent += chunk.length
    const read = textOf(socket)
    await once(socket, 'drain')
    socket.end()
    return { held: sent < 1 << 24, complete: (await read).length === sent + chunk.length + 3 }
  },

  async 'a reader that pauses'({ large }) {
    const socket = net.connect({ host, port: large })
    let size = 0
    socket.on('data', (data) => {
      size += data.length
    })
    await once(socket, 'data')
    socket.pause()
    const paused = size
    for (let turns = 0; turns < 20; turns++) await turn()
    const still = size === paused
    socket.resume()
    await once(socket, 'end')
    return { still, size }
  },

  async 'destroying it while it connects'({ echo }) {
    const socket = net.connect(echo, host)
    const seen = eventsOf(socket)
    socket.destroy()
    return seen
  },

  async 'an abort while it connects'({ echo }) {
    const controller = new AbortController()
    const socket = net.connect({ port: echo, host: 'silent.test', signal: controller.signal, lookup: () => undefined })
    const seen = eventsOf(socket)
    await turn()
    controller.abort()
    return seen
  },

  async 'a second life'({ echo }) {
    const socket = new net.Socket()
    for (let life = 0; life < 2; life++) {
      socket.connect(echo, host)
      await once(socket, 'connect')
      socket.destroy()
      await once(socket, 'close')
    }
    socket.connect(echo, host)
    socket.write('again')
    const data = await eventOf(socket, 'data')
    socket.destroy()
    return String(data)
  },

  async 'a second life that begins before the close of the first'({ echo }) {
    const socket = net.connect(echo, host)
    await once(socket, 'connect')
    socket.destroy()
    socket.connect(echo, host)
    const events = [...(await eventsOf(socket, 'ready'))]
    socket.write('again')
    const data = await eventOf(socket, 'data')
    const far = socket.remotePort === echo
    socket.destroy()
    return { events, data: String(data), far }
  },

  async 'an idle connection times out, and stays open'({ echo }) {
    const socket = net.connect({ host, port: echo, timeout: 50 })
    await once(socket, 'timeout')
    const { timeout, destroyed } = socket
    socket.setTimeout(0)
    socket.end('still here')
    return { timeout, destroyed, text: await textOf(socket) }
  },

  async 'a reset by the far end'({ reset }) {
    const socket = net.connect({ host, port: reset })
    const seen = eventsOf(socket)
    socket.write('go')
    return seen
  },

  async 'a half that stays open, where that is wanted, and one that does not'({ ends, heard }) {
    const open = net.connect({ host, port: ends, allowHalfOpen: true })
    open.resume()
    await once(open, 'end')
    const states = [open.readyState, open.writable]
    open.end('thanks')
    await once(open, 'close')
    let received = ''
    while (received !== 'thanks') received = await textOf(net.connect(heard, host))
    const closing = net.connect({ host, port: ends })
    closing.resume()
    await once(closing, 'close')
    return { states, received, writable: closing.writable, ended: closing.writableEnded }
  },

  async 'a write after the end, one after it was destroyed, and one with a callback'({ silent }) {
    const ended = net.connect({ host, port: silent })
    ended.end()
    const afterEnd = eventOf(ended, 'error')
    ended.write('x')
    const destroyed = net.connect({ host, port: silent })
    await once(destroyed, 'connect')
    destroyed.destroy()
    const afterDestroy = new Promise((resolve) => destroyed.write('x', resolve))
    const received = net.connect({ host, port: silent })
    const written = await new Promise((resolve) => received.write('x', resolve))
    received.destroy()
    return {
      afterEnd: codeOf(await afterEnd),
      afterDestroy: codeOf(await afterDestroy),
      written: written ?? 'no error',
    }
  },

  async 'a reset from here, and its options'({ silent }) {
    const socket = net.connect({ host, port: silent })
    await once(socket, 'connect')
    const chained = [socket.setNoDelay(), socket.setKeepAlive(true), socket.ref(), socket.unref(), socket.ref()].map(
      (one) => one === socket,
    )
    const { localFamily: family } = socket
    const events = eventsOf(socket)
    socket.resetAndDestroy()
    return { chained, family, events: await events }
  },

  async 'a target that refuses'({ dead }) {
    return eventsOf(net.connect(dead, host))
  },

  async 'arguments that cannot be'({ echo }) {
    return {
      port: await failureOf({ host, port: 70_000 }),
      localAddress: await failureOf({ host, port: echo, localAddress: 'eth0' }),
      // @ts-expect-error Not a number.
      localPort: await failureOf({ host, port: echo, localPort: 'any' }),
    }
  },

  async 'a lookup of its own, by family, and for all addresses'({ peer }) {
    const asked: unknown[] = []
    const lookup: net.LookupFunction = (name, { family, all }, done) => {
      asked.push([name, family ?? 0, all])
      if (all === true) done(null, [{ address: host, family: 4 }])
      else done(null, host, 4)
    }
    for (const options of [{}, { family: 4 }, { autoSelectFamily: false }]) {
      const socket = net.connect({ host: 'name.test', port: peer, lookup, ...options })
      await textOf(socket)
    }
    return asked
  },

  async 'a block list'({ peer }) {
    const blockList = new net.BlockList()
    blockList.addSubnet('127.0.0.0', 8)
    return failureOf({ host, port: peer, blockList })
  },
} satisfies Readonly<Record<string, (ports: Ports) => Promise<unknown>>>

/** What holds only in the clear network. */
export const inTheClear = {
  async 'an address and a port of this side’s own'({ peer, free }) {
    const from = async (options: Omit<net.TcpNetConnectOpts, 'port'>) => textOf(net.connect({ port: peer, ...options }))
    const localPort = Number(await textOf(net.connect(free, host)))
    const both = await from({ host, localAddress: ownAddress, localPort })
    const [address] = (await from({ host, localAddress: ownAddress })).split(' ')
    const [ofName] = (await from({ host: 'localhost', localAddress: ownAddress })).split(' ')
    return { both: both === `${ownAddress} ${localPort}`, address, ofName }
  },

  async 'an address that is not of this machine'({ peer }) {
    return failureOf({ host, port: peer, localAddress: '192.0.2.77' })
  },

  async 'a family'({ peer }) {
    const seen: string[] = []
    for (const family of [4, 'IPv4']) {
      // @ts-expect-error Node takes the names of families, too.
      seen.push((await textOf(net.connect({ host: 'localhost', port: peer, family }))).split(' ')[0] ?? '')
    }
    return seen
  },

  async 'errors, in all that programs look for'({ dead }) {
    return {
      refused: await failureOf({ host, port: dead }),
      unknown: await failureOf({ host: 'absent.invalid', port: dead }),
    }
  },
} satisfies Readonly<Record<string, (ports: Ports) => Promise<unknown>>>

/** The program of a process. */
export async function use(name: string, ports: Ports): Promise<unknown> {
  const all: Readonly<Record<string, (ports: Ports) => Promise<unknown>>> = { ...uses, ...inTheClear }
  return all[name]?.(ports)
}
