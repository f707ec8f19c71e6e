/** One request to the echo. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { http, self } from 'troupe'
import { field, type Sighting, text } from './sighting.ts'

export async function request(url: string): Promise<Sighting> {
  const ends = { from: '', to: '' }
  // The HTTP client publishes each connection that it has opened on this channel.
  const onConnected = (message: unknown) => {
    const socket = field(message, 'socket')
    ends.from = `${text(socket, 'localAddress')}:${text(socket, 'localPort')}`
    ends.to = `${text(socket, 'remoteAddress')}:${text(socket, 'remotePort')}`
  }
  subscribe('undici:client:connected', onConnected)
  try {
    const response = await http.get(url)
    return { pid: self.pid, ...ends, seen: peerIn(await response.text()) }
  } finally {
    unsubscribe('undici:client:connected', onConnected)
  }
}

/**
 * The address in an echo's response. Ours has the field `peer`; others have `ip`, `IP` or `origin`, or contain only the
 * address.
 */
function peerIn(body: string): string {
  try {
    const answer: unknown = JSON.parse(body)
    const name = ['peer', 'ip', 'IP', 'origin'].find((name) => field(answer, name) !== undefined)
    return name === undefined ? body : text(answer, name)
  } catch {
    return body.trim()
  }
}
