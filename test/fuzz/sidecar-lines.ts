/** Lines of the tailnet sidecar: each is parsed or rejected, and the bytes after the first line are left unchanged. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import {
  answer,
  joined,
  listening,
  nodeEvent,
  ready,
  status,
} from '../../packages/network/src/drivers/tailscale/sidecar-messages.ts'
import {
  FirstLine,
  NoLine,
  readAnswer,
  readFields,
  textsIn,
} from '../../packages/network/src/drivers/tailscale/json-line.ts'
import { textTarget } from './lib/inputs.ts'

/** A socket that receives `bytes` in pieces, and then an end. */
function socketOf(bytes: Buffer): Socket {
  const socket = new Socket()
  const size = 1 + (bytes.length % 7)
  socket._read = () => undefined
  for (let at = 0; at < bytes.length; at += size) socket.push(bytes.subarray(at, at + size))
  socket.push(null)
  return socket
}

const schemas = [answer, joined, listening, nodeEvent, ready, status]

const target = textTarget({
  pieces: [
    '{',
    '}',
    '[',
    ']',
    '"ok":true',
    '"ok":false',
    ',',
    '"id":1',
    '"ev":"ready"',
    '"ev":"state"',
    '"code":"x"',
    '"error":"y"',
    '"ips":["1.2.3.4"]',
    '"sock":"/s"',
    '"__proto__":',
    'null',
    '1e999',
    '\n',
    '"',
    '\\u0000',
    '{"ok":true,"ips":["a"]}\n',
  ],
  check: async (input) => {
    const bytes = Buffer.from(input)
    const fields = readFields(input)
    readAnswer(fields, (of) => textsIn(of, 'ips'))
    for (const schema of schemas) schema.safeParse(fields)
    const socket = socketOf(bytes)
    const end = bytes.indexOf('\n')
    try {
      const line = await new FirstLine(socket).text()
      if (line !== bytes.subarray(0, end).toString()) throw new Error(`the line is read as ${JSON.stringify(line)}`)
      const rest: Buffer[] = []
      const ended = once(socket, 'end')
      socket.on('data', (chunk: Buffer) => rest.push(chunk))
      await ended
      if (!Buffer.concat(rest).equals(bytes.subarray(end + 1)))
        throw new Error('what stands behind the line has changed')
    } catch (error) {
      if (!(error instanceof NoLine)) throw error
      if (end !== -1 && end <= 16 * 1024)
        throw new Error(`the line is there, and not read: ${error.message}`, { cause: error })
    } finally {
      socket.destroy()
    }
  },
})
export default target.fuzz
export const { replay } = target
