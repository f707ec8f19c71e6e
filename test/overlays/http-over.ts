/** One HTTP request over an open connection. */
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { json } from 'node:stream/consumers'

/** Returns the JSON of the response; closes the connection. */
export async function httpOver(socket: Socket, path: string): Promise<unknown> {
  const sent = request({ path, createConnection: () => socket }).end()
  const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
    sent.on('response', resolve).on('error', reject),
  )
  return json(response)
}
