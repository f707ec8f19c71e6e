/** Accepts the connections that the sidecar hands over at the place of a listen grant. */
import { startDeadline, stopTimer, unavailable } from '@troupe/core'
import { createServer, type Server, type Socket } from 'node:net'
import { BroadcastChannel } from '../../guard/node/broadcast-channel.ts'
import { listenOwn } from '../../sockets/own-sockets.ts'
import type { Listener, Peer, ListenGrant } from '../../overlay/overlay.ts'
import { AcceptQueue } from '../accept-queue.ts'
import { FirstLine, isFields, readFields, textsIn } from './json-line.ts'
import { listenGrantOf } from './route.ts'
import { parseAddress, readEnds, showAddresses } from './socket-addresses.ts'

/** Milliseconds for the line that precedes a connection. */
const patience = 10_000
const taken = '\n'

/** @throws TroupeError `Unavailable` when the place is gone. */
export async function accept(listenGrant: ListenGrant): Promise<Listener> {
  const { forward, channel } = listenGrantOf(listenGrant)
  const acceptQueue = new AcceptQueue()
  const server = createServer((socket) => void take(socket, acceptQueue))
  const news = new BroadcastChannel(channel)
  let { address } = listenGrant
  const end = (error?: Error) => {
    news.close()
    server.close()
    acceptQueue.end(error)
  }
  news.addEventListener('message', (event) => {
    const detail: unknown = 'data' in event ? event.data : undefined
    if (isFields(detail) && typeof detail['host'] === 'string') address = { ...address, host: detail['host'] }
    else end(lost({ ...listenGrant, address }, typeof detail === 'string' ? detail : 'it is gone'))
  })
  news.unref()
  try {
    await listening(server, forward)
  } catch {
    end()
    throw lost(listenGrant, 'the listener was closed before it accepted a connection')
  }
  return {
    get address() {
      return address
    },
    connections: acceptQueue,
    async [Symbol.asyncDispose]() {
      end()
    },
  }
}

async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).once('listening', resolve)
    listenOwn(server, path)
  })
}

function lost({ overlay, address }: ListenGrant, why: string): Error {
  return unavailable(
    `no connections arrive any more at ${address.host}:${address.port} in overlay ${overlay}: ${why}`,
    {
      overlay,
    },
  )
}

async function take(socket: Socket, acceptQueue: AcceptQueue): Promise<void> {
  const line = new FirstLine(socket)
  const timer = startDeadline(() => line.abandon(new Error('no line')), patience)
  try {
    const header = readFields(await line.text()) ?? {}
    const ends = readEnds(header)
    if (ends === undefined) throw new Error('no header')
    socket.write(taken)
    showAddresses(socket, ends)
    if (!acceptQueue.put({ socket, peer: peerOf(ends.remote, header['peer']) })) socket.destroy()
  } catch {
    // If the socket is closed without a reply, the sidecar refuses the connection.
    socket.on('error', () => {}).destroy()
  } finally {
    stopTimer(timer)
  }
}

/** Returns the peer, as the tailnet knows it; only its address if the tailnet does not know it. */
function peerOf(remote: string, known: unknown): Peer {
  const { address, port } = parseAddress(remote) ?? { address: remote, port: undefined }
  const peer = { address, ...(port !== undefined && { port }) }
  if (!isFields(known) || typeof known['name'] !== 'string') return peer
  const { name, user, stable_id: id } = known
  return {
    ...peer,
    ...(typeof id === 'string' && id !== '' && { id }),
    node: name,
    tags: textsIn(known, 'tags') ?? [],
    ...(typeof user === 'string' && { user }),
  }
}
