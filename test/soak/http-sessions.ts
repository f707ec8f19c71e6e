/** `node test/soak/http-sessions.ts`: `SESSIONS` (100000) HTTP/2 sessions that come and go; the memory has to be flat after the first tenth. */
import { once } from 'node:events'
import { connect } from 'node:http2'
import { startWebApp } from '../http/server/web-app.ts'

const sessions = Number(process.env['SESSIONS'] ?? 100_000)
const slack = 50_000_000

await using web = await startWebApp({ protocol: 'HTTP/2', endpoints: { hello: { path: '/hello', func: 'hello' } } })

async function visit(): Promise<void> {
  const session = connect(web.url, { ca: web.ca ?? '' })
  session.on('error', () => undefined)
  await once(session.request({ ':path': '/hello' }).resume(), 'close')
  session.close()
  await once(session, 'close')
}

async function rounds(count: number): Promise<number> {
  for (let round = 0; round < count; round += 4) await Promise.all([visit(), visit(), visit(), visit()])
  globalThis.gc?.()
  return process.memoryUsage.rss()
}

const before = await rounds(sessions / 10)
const grown = (await rounds((sessions * 9) / 10)) - before
console.log(`${sessions} sessions: the memory has grown by ${(grown / 1e6).toFixed(0)} MB`)
process.exitCode = grown > slack ? 1 : 0
