/** For servers that send back what they receive. */
import type { Socket } from 'node:net'

/** Sends `data`, reads as much back, and closes. */
export async function echoed(socket: Socket, data: Buffer): Promise<Buffer> {
  socket.write(data)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of socket) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    length = chunks.reduce((sum, { length }) => sum + length, 0)
    if (length >= data.length) break
  }
  return Buffer.concat(chunks)
}
