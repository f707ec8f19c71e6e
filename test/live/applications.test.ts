import { http } from 'troupe'
import { startApp } from 'troupe/test'
import { describe, expect, it } from 'vitest'
import { startProxy, startWeb } from './socks-proxy.ts'

describe('applications one after the other in a program', () => {
  it('connect through their own overlays, also if those have the same ids', async () => {
    await using web = await startWeb()
    for (const name of ['first', 'second']) {
      await using proxy = await startProxy()
      await using app = await startApp({
        entries: [{ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxy.port }],
      })
      const response = await app.app.run(async () => http.get(web.named(name), { overlayNetwork: 'app:proxy' }))
      expect(await response.text()).toBe('ok')
      expect([...proxy.names]).toEqual([`${name}.test`])
    }
  })

  it('leave no connection behind', async () => {
    await using web = await startWeb()
    await using proxy = await startProxy()
    for (let run = 1; run <= 2; run += 1) {
      await using app = await startApp({
        entries: [{ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxy.port }],
      })
      await app.app.run(async () => (await http.get(web.url, { overlayNetwork: 'app:proxy' })).text())
      expect(proxy.ports.size).toBe(run)
    }
  })
})
