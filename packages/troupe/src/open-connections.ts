/** The connections that a thread has opened so far. */
import { Socket } from 'node:net'
import { z } from 'zod'

/** One end of a connection in a diagnostic report. */
const endpoint = z.object({ host: z.string(), port: z.number() })
const tcp = z.object({
  type: z.literal('tcp'),
  localEndpoint: endpoint.nullable(),
  remoteEndpoint: endpoint.nullable(),
})
const reportSchema = z.object({
  libuv: z.array(z.unknown()),
  workers: z.array(z.object({ header: z.object({ threadId: z.number() }) })).default([]),
})

/**
 * Returns the far ends of the client connections that are open in this thread. They include those that keep no event
 * loop alive, such as idle ones of pools. Connections that a server accepted lead nowhere new and are left out.
 */
export function openConnections(): readonly string[] {
  const sockets = activeSockets()
  const handles = tcpHandles()
  // A closed server still has the connections that it accepted.
  const accepted = new Set(sockets.filter(isAccepted).map(({ localPort }) => localPort))
  for (const { localEndpoint, remoteEndpoint } of handles)
    if (remoteEndpoint === null) accepted.add(localEndpoint?.port)
  const open = handles.flatMap(({ localEndpoint, remoteEndpoint: far }) =>
    far === null || accepted.has(localEndpoint?.port) ? [] : [`${far.host}:${far.port}`],
  )
  const connecting = sockets.filter((socket) => socket.connecting && !isAccepted(socket))
  return [
    ...open,
    ...connecting.map(({ remoteAddress, remotePort }) => `${remoteAddress ?? 'connecting'}:${remotePort ?? ''}`),
  ]
}

function tcpHandles(): readonly z.infer<typeof tcp>[] {
  return report().libuv.flatMap((handle) => tcp.safeParse(handle).data ?? [])
}

/** All handles of this thread, and its threads, as Node reports them, without looking up names. */
export function report(): z.infer<typeof reportSchema> {
  const before: unknown = Reflect.get(process.report, 'excludeNetwork')
  Reflect.set(process.report, 'excludeNetwork', true)
  try {
    return reportSchema.parse(process.report.getReport())
  } finally {
    Reflect.set(process.report, 'excludeNetwork', before)
  }
}

/** The sockets that keep the event loop alive. */
function activeSockets(): readonly Socket[] {
  const list: unknown = Reflect.get(process, '_getActiveHandles')
  const handles: unknown = typeof list === 'function' ? Reflect.apply(list, process, []) : []
  return Array.isArray(handles) ? handles.filter((handle) => handle instanceof Socket) : []
}

function isAccepted(socket: Socket): boolean {
  return 'server' in socket && Boolean(socket.server)
}
