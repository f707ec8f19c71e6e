import { entryId } from '@troupe/core'
import { security } from 'troupe'
import { describe, expect, it } from 'vitest'
import { Client, startSocketApp, statusOf } from './socket-app.ts'

const tokens = { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' }
const router = { middleware: ['token_auth'], options: { token_auth: { store: 'app:tokens' } } }
const policy = {
  id: 'app:any',
  kind: 'security.policy',
  actions: '*',
  resources: '*',
  effect: 'allow',
  groups: ['all'],
}
const stream = {
  id: 'app:clock-stream',
  kind: 'http.events',
  meta: { router: 'app:router' },
  path: '/clock',
  target: 'unknown',
}

describe('WebSockets and event streams', () => {
  it('are limited for each client, and free their slot when they end', async () => {
    await using web = await startSocketApp({
      sockets: { echo: {} },
      service: { limits: { channels_per_client: 2 } },
      entries: [stream],
    })
    const [first] = [await Client.open(web.url('echo')), await Client.open(web.url('echo'))]
    expect(await statusOf(web.url('echo'))).toBe(429)
    expect((await fetch(web.url('clock').replace('ws:', 'http:'))).status).toBe(429)
    first.close()
    await first.closed
    await expect.poll(async () => statusOf(web.url('echo'))).toBe(101)
  })

  it('are limited for each service', async () => {
    await using web = await startSocketApp({ sockets: { echo: {} }, service: { limits: { channels: 1 } } })
    const client = await Client.open(web.url('echo'))
    expect(await statusOf(web.url('echo'))).toBe(503)
    client.close()
  })

  it('do not outlive the token by which they were opened', async () => {
    await using web = await startSocketApp({ sockets: { echo: {} }, router, entries: [tokens, policy] })
    const { token } = await security
      .tokenStore('app:tokens')
      .create({ actor: security.newActor('ann'), groups: ['all'], ttl: '2s' })
    const client = await Client.open(web.url('echo'), { headers: { authorization: `Bearer ${token}` } })
    expect(await client.ask('hello')).toBe('hello')
    expect(await client.closed).toEqual({ code: 1008, reason: 'its token has expired' })
    expect(web.app.service(entryId('app:web')).attempts).toBe(0)
  })
})
