/** The targets of the overlays: an HTTP server, an echo server, and the DNS server that Tor's exits query. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'

/** Ports of the target, the same on 127.0.0.1 and ::1. */
export interface TargetPorts {
  /** Responds to every request with JSON: `{ method, url, host, peer, headers }`. */
  readonly http: number
  /** Sends back what it receives, until the other side ends. */
  readonly echo: number
  /** Sends `bye` and ends as soon as a client connects. */
  readonly bye: number
  /** Sends each datagram back. */
  readonly udp: number
  /** A port on which nothing listens: the system assigns none below its ephemeral range. */
  readonly closed: number
}

/** Unassigned, and not among the ports that fetch refuses. */
const closedPort = 2

const httpServer = () =>
  createHttpServer((request, response) => {
    const { method, url, headers } = request
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ method, url, host: headers.host, peer: request.socket.remoteAddress, headers }))
  })
const echoServer = () => createServer({ allowHalfOpen: true }, (socket) => tolerant(socket).pipe(socket))
const byeServer = () => createServer((socket) => tolerant(socket).end('bye'))

export class Target implements AsyncDisposable {
  readonly ports: TargetPorts
  /** `host:port` of its DNS server. */
  readonly dns: string
  readonly #servers: readonly Server[]
  readonly #dns: DatagramSocket
  readonly #udp: DatagramSocket

  private constructor(ports: TargetPorts, servers: readonly Server[], dns: DatagramSocket, udp: DatagramSocket) {
    this.ports = ports
    this.#servers = servers
    this.#dns = dns
    this.#udp = udp
    this.dns = `${dns.address().address}:${dns.address().port}`
  }

  /** @param dnsHost - Address that the DNS server binds. */
  static async start(dnsHost: string): Promise<Target> {
    const [http, echo, bye] = [await onBoth(httpServer), await onBoth(echoServer), await onBoth(byeServer)]
    const dns = createSocket('udp4', (question, from) => dns.send(answer(question), from.port, from.address))
    await once(dns.bind(0, dnsHost), 'listening')
    const udp = createSocket('udp4', (datagram, from) => udp.send(datagram, from.port, from.address))
    await once(udp.bind(0, '127.0.0.1'), 'listening')
    const ports = { http: http.port, echo: echo.port, bye: bye.port, udp: udp.address().port, closed: closedPort }
    return new Target(ports, [...http.servers, ...echo.servers, ...bye.servers], dns, udp)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dns.close()
    this.#udp.close()
    for (const server of this.#servers) server.close()
  }
}

/** Names that the DNS server knows; all but the last are this machine. */
const records: Readonly<Record<string, readonly [type: number, data: Buffer]>> = {
  'web.test': [1, Buffer.from([127, 0, 0, 1])],
  'six.test': [28, Buffer.from([...Array.from({ length: 15 }, () => 0), 1])],
  // The name of an unassigned address (RFC 5737).
  '1.2.0.192.in-addr.arpa': [12, Buffer.from('\x03web\x04test\0')],
}

/**
 * A DNS response (RFC 1035
 * 4.1): NXDOMAIN for unknown names.
 */
function answer(question: Buffer): Buffer {
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += length + 1
  }
  const known = records[labels.join('.')]
  const type = question.readUInt16BE(at + 1)
  const found = known && known[0] === type ? known[1] : undefined
  const header = Buffer.from(question.subarray(0, at + 5))
  header.writeUInt16BE(0x84_80 | ((question[2] ?? 0) & 1 ? 0x0100 : 0) | (known ? 0 : 3), 2)
  header.writeUInt16BE(found ? 1 : 0, 6)
  header.writeUInt32BE(0, 8)
  return found
    ? Buffer.concat([header, Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, found.length]), found])
    : header
}

/** One port on 127.0.0.1 and ::1: `localhost` is either, depending on the proxy's resolver. */
async function onBoth(make: () => Server): Promise<{ port: number; servers: readonly Server[] }> {
  for (;;) {
    const four = make()
    await once(four.listen(0, '127.0.0.1'), 'listening')
    const bound = four.address()
    const port = typeof bound === 'object' && bound ? bound.port : 0
    const six = make()
    try {
      await once(six.listen(port, '::1'), 'listening')
      return { port, servers: [four, six] }
    } catch {
      four.close()
    }
  }
}

function tolerant(socket: Socket): Socket {
  return socket.on('error', () => socket.destroy())
}
