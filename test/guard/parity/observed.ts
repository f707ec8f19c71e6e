/** What code observes on a socket: its data, its events and its errors. */
import { once } from 'node:events'
import net, { type NetConnectOpts, type Socket } from 'node:net'

export async function textOf(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

/** The data of an event. */
export async function eventOf(socket: Socket, name: string): Promise<unknown> {
  const values: readonly unknown[] = await once(socket, name)
  return values[0]
}

export async function eventsOf(socket: Socket, until = 'close'): Promise<string[]> {
  const events: string[] = []
  for (const name of ['lookup', 'connect', 'ready', 'timeout', 'end', 'error', 'close', 'connectionAttempt']) {
    socket.on(name, (value: unknown) => {
      const code = codeOf(value)
      events.push(typeof code === 'string' ? `${name} ${code}` : name)
    })
  }
  await new Promise((resolve) => socket.once(until, resolve))
  return events
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** The properties of a connection's error that programs read. */
export async function failureOf(options: NetConnectOpts): Promise<unknown> {
  try {
    const socket = net.connect(options)
    const error = await eventOf(socket, 'error')
    return fieldsOf(error)
  } catch (error) {
    return { thrown: fieldsOf(error) }
  }
}

function fieldsOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { error }
  const fields = ['code', 'syscall', 'address', 'port', 'hostname']
  return {
    message: error.message,
    ...Object.fromEntries(fields.flatMap((name) => (name in error ? [[name, Reflect.get(error, name)]] : []))),
  }
}
