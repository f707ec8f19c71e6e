import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, constants, type ServerHttp2Session } from 'node:http2'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { httpServiceKind } from '../../config/service-kind.ts'
import { createTransport, drain } from './transport.ts'

const folder = join(import.meta.dirname, '../../../../../test/guard/fixtures')
const tls = {
  cert: readFileSync(join(folder, 'server.pem'), 'utf8'),
  key: readFileSync(join(folder, 'server.key'), 'utf8'),
}

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

describe('a transport', () => {
  it('forgets ended HTTP/2 sessions, whose streams were answered or reset', async () => {
    const fields = httpServiceKind.fields.parse({ addr: '127.0.0.1:0', tls, lifecycle: {} })
    const transport = createTransport(fields, {
      onRequest: (_, outgoing) => void outgoing.end('hello'),
      takesSocket: () => false,
    })
    const sessions: WeakRef<ServerHttp2Session>[] = []
    transport.on('session', (session: ServerHttp2Session) => sessions.push(new WeakRef(session)))
    transport.listen(0, '127.0.0.1')
    await once(transport, 'listening')
    const address = transport.address()
    const port = typeof address === 'object' ? address?.port : undefined
    for (let round = 0; round < 200; round += 1) {
      const session = connect(`https://127.0.0.1:${String(port)}`, { rejectUnauthorized: false })
      session.on('error', () => undefined)
      session
        .request({ ':path': '/' })
        .on('error', () => undefined)
        .close(constants.NGHTTP2_CANCEL)
      await once(session.request({ ':path': '/' }).resume(), 'close')
      session.close()
      await once(session, 'close')
    }
    expect(sessions.length).toBe(200)
    await expect
      .poll(() => {
        if (typeof collect === 'function') Reflect.apply(collect, undefined, [])
        return sessions.filter((session) => session.deref() !== undefined).length
      })
      .toBeLessThan(20)
    await drain(transport)
  })
})
