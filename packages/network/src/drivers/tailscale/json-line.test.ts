import { once } from 'node:events'
import { connect, createServer, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { FirstLine, NoLine, readAnswer, readFields } from './json-line.ts'

/** A socket to which `speak` writes. */
async function spokenTo(speak: (socket: Socket) => Promise<void>): Promise<Socket> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    server.close()
    void speak(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1')
}

it('reads the line in pieces of any size, and leaves the remaining bytes unread', async () => {
  const all = Buffer.from('{"ok":true}\nbytes of the connection\n')
  for (let size = 1; size <= all.length; size += 1) {
    const socket = await spokenTo(async (there) => {
      for (let at = 0; at < all.length; at += size) {
        there.write(all.subarray(at, at + size))
        await new Promise(setImmediate)
      }
      there.end()
    })
    expect(await new FirstLine(socket).text()).toBe('{"ok":true}')
    expect(socket.eventNames().filter((name) => name === 'readable' || name === 'error')).toEqual([])
    expect(await text(socket)).toBe('bytes of the connection\n')
  }
})

it('fails when the other side ends first, or sends no line', async () => {
  const ended = await spokenTo(async (there) => void there.end('{"ok"'))
  await expect(new FirstLine(ended).text()).rejects.toMatchObject({ code: 'FIN' })
  const endless = await spokenTo(async (there) => void there.write('x'.repeat(20_000)))
  await expect(new FirstLine(endless).text()).rejects.toBeInstanceOf(NoLine)
  endless.destroy()
})

it('distinguishes replies, refusals and invalid lines', () => {
  const read = (line: string) =>
    readAnswer(readFields(line), ({ port }) => (typeof port === 'number' ? port : undefined))
  expect(read('{"ok":true,"port":80}')).toEqual({ taken: 80 })
  expect(read('{"ok":false,"code":"EIO","error":"words"}')).toEqual({ refused: { code: 'EIO', error: 'words' } })
  for (const nonsense of ['{"ok":true}', '{"ok":false}', '{}', '[]', 'null', '"text"', '{', ''])
    expect(read(nonsense)).toBeUndefined()
})

it('sees an end that came before it listened, together with an incomplete line', async () => {
  const socket = new Socket()
  socket._read = () => undefined
  socket.push('{"ok":')
  socket.push(null)
  await expect(new FirstLine(socket).text()).rejects.toThrow('no line came (FIN)')
  socket.destroy()
})
