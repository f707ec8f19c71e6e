import { once } from 'node:events'
import { connect } from 'node:net'
import { newTrace } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { protocols, startWebApp, type WebApp, type WebAppOptions } from './web-app.ts'

const options: WebAppOptions = {
  service: { access_log: true },
  endpoints: {
    hello: { path: '/hello', func: 'hello' },
    user: { path: '/users/{id}', func: 'reported' },
    echo: { method: 'POST', path: '/echo', func: 'echo' },
    ticks: { path: '/ticks', func: 'ticks' },
    fail: { path: '/fail', func: 'fail' },
  },
  entries: [
    { id: 'app:files', kind: 'http.static', meta: { server: 'web' }, path: '/files', directory: 'file://fixtures' },
  ],
}

/** Lines of the access log, once there are so many. */
async function requests({ app }: WebApp, count: number): Promise<readonly string[]> {
  const lines = () => app.log.filter((line) => line.includes(' request { '))
  await expect.poll(lines).toHaveLength(count)
  return lines()
}

describe.each(protocols)('the access log, over %s', (protocol) => {
  it('has a line for each response, without what may be secret', async () => {
    await using web = await startWebApp({ ...options, protocol })
    const trace = newTrace()
    const headers = { authorization: 'Bearer my-secret-token', traceparent: trace }
    expect((await web.fetch('/hello')).status).toBe(200)
    await (await web.fetch('/users/my-secret-id?key=my-secret-key', { headers })).text()
    await (await web.fetch('/echo', { method: 'POST', body: 'é'.repeat(50_000) })).text()
    await web.fetch('/fail')
    await web.fetch('/my-secret-path')
    await web.fetch('/files/handlers.ts', { method: 'HEAD' })
    const lines = await requests(web, 6)
    const shown = lines.map((line) => line.replace(/duration: [\d.]+/, 'duration: 0'))
    const expected = [
      "{ method: 'GET', path: '/hello', status: 200, duration: 0, bytes: 11 }",
      expect.stringMatching(/^\{ method: 'GET', path: '\/users\/\{id\}', status: 200, duration: 0, bytes: \d+ \}$/),
      "{ method: 'POST', path: '/echo', status: 200, duration: 0, bytes: 100000 }",
      expect.stringMatching(/path: '\/fail', status: 500/),
      expect.stringMatching(/^\{ method: 'GET', status: 404, duration: 0, bytes: \d+ \}$/),
      "{ method: 'HEAD', path: '/files/*', status: 200, duration: 0, bytes: 0 }",
    ]
    // A connection reports the end of a response on its own time.
    expect(shown.map((line) => line.replace(/^.* request /, ''))).toEqual(expect.arrayContaining(expected))
    expect(lines.join('\n')).not.toContain('my-secret')
    for (const line of lines) expect(line).toMatch(/^troupe\.http:\S+ <|^app:web </)
  })

  it('is off by default', async () => {
    await using web = await startWebApp({ ...options, service: {}, protocol })
    expect((await web.fetch('/hello')).status).toBe(200)
    expect(web.app.log.join('\n')).not.toContain('request {')
  })
})

describe('the access log', () => {
  it('marks a response that the client did not wait for', async () => {
    await using web = await startWebApp(options)
    const client = connect(web.port, '127.0.0.1')
    client.write('GET /ticks HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(client, 'data')
    client.destroy()
    const [line] = await requests(web, 1)
    expect(line).toMatch(/path: '\/ticks', status: 200, .* incomplete: true \}$/)
  })

  it('has the chosen fields, and is changed while the service runs', async () => {
    await using web = await startWebApp({ ...options, service: { access_log: ['path', 'status'] } })
    await web.fetch('/users/1')
    const [line] = await requests(web, 1)
    expect(line).toMatch(/ request \{ path: '\/users\/\{id\}', status: 200 \}$/)
    const before = web.app.app.address(web.id)
    await web.app.app.registry.apply([{ op: 'update', entry: { ...web.entry, access_log: false } }])
    await web.fetch('/users/2')
    expect(web.app.app.address(web.id)).toEqual(before)
    await requests(web, 1)
  })
})
