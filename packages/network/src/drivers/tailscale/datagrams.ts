/** Datagrams of a tailnet node, in frames on a connection to the sidecar. */
import { invalid, unavailable } from '@troupe/core'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Association, AssociationEvents } from '../../overlay/association.ts'
import type { AssociateOptions, Target } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { destinationOf, formatTarget } from '../target.ts'
import { sendRequest } from './request.ts'
import { Failures } from './errors.ts'
import { DatagramFrames, frameOf } from './datagram-framing.ts'
import { parseAddress } from './socket-addresses.ts'

/** The maximum of IPv4, minus its headers. */
const longest = 65_507

export async function associate(route: Route, options: AssociateOptions): Promise<Association> {
  const { port = 0, ...rest } = options
  const what = port === 0 ? 'an association for datagrams' : `an association for datagrams on port ${port}`
  const failures = new Failures(route, what, 'udp')
  const { socket } = await sendRequest(
    route,
    { op: 'packet', fields: { port }, read: (answer) => answer, failures },
    rest,
  )
  return new TailnetAssociation(socket)
}

class TailnetAssociation extends EventEmitter<AssociationEvents> implements Association {
  readonly #socket: Socket
  readonly #frames = new DatagramFrames()
  #over = false

  constructor(socket: Socket) {
    super()
    this.#socket = socket.unref()
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket
      .on('error', () => {})
      .once('close', () => this.#end(unavailable('the tailnet ended the association for datagrams')))
  }

  async send(data: Uint8Array, target: Target): Promise<void> {
    const destination = destinationOf(target)
    if (data.length > longest) throw invalid(`a datagram of ${data.length} bytes is too long: ${longest} is the most`)
    if (this.#over) throw unavailable('the association for datagrams is closed')
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(frameOf(formatTarget(destination), data), (error) => {
        if (error) reject(unavailable(`the datagram could not be sent: ${error.message}`))
        else resolve()
      })
    })
  }

  close(): void {
    this.#end()
  }

  [Symbol.dispose](): void {
    this.#end()
  }

  /** A notice about a datagram that was not sent has no address: it is ignored, because datagrams may be lost. */
  #take(chunk: Buffer): void {
    for (const { address, payload } of this.#frames.push(chunk)) {
      const from = parseAddress(address)
      if (from !== undefined) this.emit('message', payload, { host: from.address, port: from.port })
    }
  }

  #end(error?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#socket.destroy()
    this.emit('close', error)
  }
}
