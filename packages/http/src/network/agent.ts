/** An agent for `node:http` and `node:https`, whose connections go through a network. */
import type { Agent, ClientRequestArgs } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getCallSites } from 'node:util'
import { invalid } from '@troupe/core'
import { overTls, type TlsSettings } from './tls.ts'

type Open = (host: string, port: number) => Promise<Socket>
type Done = (error: Error | null, stream: Duplex) => void

/**
 * Returns an agent. Its connections are kept, and never shared by `http:` and `https:`.
 *
 * @param tls - Options of TLS for `https:`.
 */
export function networkAgent(open: Open, tls: TlsSettings): Agent {
  // Threads that use no network explicitly do not load it.
  const https = process.getBuiltinModule('node:https')

  class NetworkAgent extends https.Agent {
    constructor() {
      super({ keepAlive: true, ...tls })
      // They would replace those of each request.
      for (const name of ['protocol', 'defaultPort']) Reflect.deleteProperty(this.options, name)
      // Node asks the agent which protocol it is for, and takes the default port from it. This one is for both.
      Object.defineProperty(this, 'protocol', { get: () => (calledByHttps() ? 'https:' : 'http:') })
      Object.defineProperty(this, 'defaultPort', { get: () => (calledByHttps() ? 443 : 80) })
    }

    override getName(options: RequestOptions = {}): string {
      return `${isSecure(options) ? 'https' : 'http'}:${super.getName(options)}`
    }

    override createConnection(options: ClientRequestArgs, callback: Done = () => undefined): undefined {
      void connectFor(open, options, callback)
    }
  }

  return new NetworkAgent()
}

async function connectFor(open: Open, options: ClientRequestArgs, done: Done): Promise<void> {
  let socket: Socket
  try {
    socket = await connection(open, options)
  } catch (error) {
    // Node passes no stream with an error.
    Reflect.apply(done, undefined, [error])
    return
  }
  done(null, socket)
}

async function connection(open: Open, options: ClientRequestArgs): Promise<Socket> {
  const { socketPath, path: _, host, port, ...rest } = options
  if (typeof socketPath === 'string') throw invalid(`${socketPath}: a Unix socket is in no network`)
  const name = host ?? 'localhost'
  const secure = isSecure(options)
  const socket = await open(name, Number(port ?? (secure ? 443 : 80)))
  return secure ? overTls(socket, name, rest) : socket
}

function calledByHttps(): boolean {
  return getCallSites().some(({ scriptName }) => scriptName === 'node:https')
}

function isSecure(options: ClientRequestArgs): boolean {
  const agent: unknown = Reflect.get(options, '_defaultAgent')
  const byDefault: unknown = typeof agent === 'object' && agent !== null ? Reflect.get(agent, 'protocol') : undefined
  return (options.protocol ?? byDefault) === 'https:'
}
