/** Ways to connect through a SOCKS5 proxy: ours, the usual ones, and a minimal one written by hand. */
import { connect, Socket } from 'node:net'
import { entryId } from '@troupe/core'
import { dial, type Route } from '@troupe/network'
import { socksConnector } from 'fetch-socks'
import { SocksClient } from 'socks'
import { SocksProxyAgent } from 'socks-proxy-agent'

export interface Login {
  readonly username: string
  readonly password: string
}

export interface Place {
  readonly host: string
  readonly port: number
  readonly login?: Login
}

export type Connect = () => Promise<Socket>

export const clientNames = ['bare', 'ours', 'ours without spares', 'socks', 'fetch-socks', 'socks-proxy-agent'] as const
/** `direct`: without a proxy. */
export type ClientName = (typeof clientNames)[number] | 'direct'

export function formatPlace({ host, port, login }: Place): string {
  return [host, port, ...(login ? [login.username, login.password] : [])].join(' ')
}

export function parsePlace(text: string): Place {
  const [host = '', port, username, password] = text.split(' ')
  return {
    host,
    port: Number(port),
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
  }
}

/** @param spares - As an entry has them by default; a route without an entry has none. */
export function routeTo({ host, port, login }: Place, optimistic: boolean, spares: 'adaptive' | 0 = 'adaptive'): Route {
  return {
    overlay: entryId('bench:proxy'),
    generation: 1,
    driver: 'socks5',
    config: { proxies: [{ host, port, ...(login && { login }) }], optimistic, spares },
  }
}

/** @param optimistic - Whether ours and the bare client send everything in one write; the others cannot. */
export function clientsOf(proxy: Place, target: Place, optimistic: boolean): ReadonlyMap<string, Connect> {
  const route = routeTo(proxy, optimistic)
  const withoutSpares = { ...routeTo(proxy, optimistic, 0), overlay: entryId('bench:plain') }
  const { host, port, login } = proxy
  const socksProxy = {
    host,
    port,
    type: 5 as const,
    ...(login && { userId: login.username, password: login.password }),
  }
  const viaFetchSocks = socksConnector(socksProxy)
  const agent = new SocksProxyAgent(`socks5h://${login ? `${login.username}:${login.password}@` : ''}${host}:${port}`)
  const request = { emit: () => true }
  return new Map<ClientName, Connect>([
    ['bare', () => bare(proxy, target, optimistic)],
    ['ours', () => dial(route, target)],
    ['ours without spares', () => dial(withoutSpares, target)],
    ['direct', async () => connect({ ...target, noDelay: true })],
    [
      'socks',
      async () => {
        const { socket } = await SocksClient.createConnection({
          command: 'connect',
          proxy: socksProxy,
          destination: target,
        })
        return socket
      },
    ],
    [
      'fetch-socks',
      () =>
        new Promise((resolve, reject) => {
          const { host: hostname, port } = target
          viaFetchSocks({ hostname, port: String(port), protocol: 'http:' }, (error, socket) =>
            error ? reject(error) : resolve(socket),
          )
        }),
    ],
    [
      'socks-proxy-agent',
      async () => {
        // The agent expects a request that describes the proxy, and a request's options: plain data is sufficient.
        const socket: unknown = await Reflect.apply(Reflect.get(agent, 'connect'), agent, [
          request,
          { ...target, secureEndpoint: false },
        ])
        if (socket instanceof Socket) return socket
        throw new Error('the agent gave something else than a socket')
      },
    ],
  ])
}

/** The floor: no checks, no limits, no errors. */
export function bare({ host, port, login }: Place, target: Place, optimistic: boolean): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true })
    const request = Buffer.from([
      5,
      1,
      0,
      1,
      ...target.host.split('.').map(Number),
      target.port >> 8,
      target.port & 255,
    ])
    const credentials = login && [
      1,
      login.username.length,
      ...Buffer.from(login.username),
      login.password.length,
      ...Buffer.from(login.password),
    ]
    const messages = [Buffer.from([5, 1, login ? 2 : 0]), ...(credentials ? [Buffer.from(credentials)] : []), request]
    const answers = messages.length === 3 ? 14 : 12
    if (optimistic) messages.splice(0, messages.length, Buffer.concat(messages))
    const say = () => {
      const message = messages.shift()
      if (message) socket.write(message)
    }
    say()
    let heard = 0
    const onReadable = () => {
      const chunk: unknown = socket.read()
      if (!Buffer.isBuffer(chunk)) return
      say()
      heard += chunk.length
      if (heard < answers) return
      socket.off('readable', onReadable)
      resolve(socket)
    }
    socket.on('readable', onReadable)
  })
}
