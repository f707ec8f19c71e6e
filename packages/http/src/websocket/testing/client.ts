/** Clients of WebSockets. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type ClientOptions, WebSocket as WsClient } from 'ws'

export async function opened(url: string, options: ClientOptions = {}, protocols: string[] = []): Promise<WsClient> {
  const socket = new WsClient(url, protocols, options)
  await once(socket, 'open')
  return socket
}

export async function next(socket: WsClient): Promise<unknown> {
  return new Promise((resolve) => {
    socket.once('message', (data, isBinary) => {
      resolve(Buffer.isBuffer(data) && !isBinary ? data.toString() : data)
    })
  })
}

export async function closing(socket: WsClient): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() })
    })
  })
}

/** Returns the status with which an upgrade is refused. */
export async function refusal(
  url: string,
  options: ClientOptions = {},
  protocols: string[] = [],
): Promise<number | undefined> {
  const socket = new WsClient(url, protocols, options)
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      response.resume()
      resolve(response.statusCode)
    })
    socket.once('open', () => {
      resolve(undefined)
    })
  })
}

/** Returns the response of a server to these bytes before it closes the connection. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.write(text)
  await once(socket, 'close')
  return answer
}

/** Returns a number when it no longer changes. There is no event for the absence of changes. */
export async function still(read: () => number): Promise<number> {
  for (let before = Number.NaN; ; before = read()) {
    if (before === read()) return before
    await setTimeout(100)
  }
}
