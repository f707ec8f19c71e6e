/**
 * The table of troubles with real proxies behind the relay: idle, dialling, streaming. `docs/overlays.md` has the
 * table.
 */
import { dial, type Overlay } from '@troupe/network'
import { describe, expect, inject, it } from 'vitest'
import { Relay, type Trouble } from '../peers/relay.ts'
import { echoed } from './echoed.ts'
import { socks5 } from './socks5-fixture.ts'

const { target, microsocks, danteLogin, go, tor } = inject('peers')
const patience = { timeout: 120_000, interval: 200 }
const troubles: readonly Trouble[] = ['refuses', 'closes', 'is silent', 'answers garbage']

const peers = [
  { name: 'microsocks', place: microsocks, login: {}, host: '127.0.0.1' },
  { name: 'dante with a login', place: danteLogin, login: { ...danteLogin.login }, host: '127.0.0.1' },
  { name: 'go-socks5', place: go, login: {}, host: '127.0.0.1' },
  { name: 'Tor', place: tor.socks, login: {}, host: 'web.test' },
]

describe.each(peers)('network.socks5 on $name', ({ place, login, host }) => {
  it.each(troubles)(
    'whose peer %s: is down, and works again with it; open connections continue until they break',
    { timeout: 180_000 },
    async (trouble) => {
      await using relay = await Relay.to(place)
      // Slowness of the machine is not a trouble: steps that succeed have time.
      const limits = trouble === 'is silent' ? { first_byte_timeout: '5s', handshake_timeout: '20s' } : {}
      // The relay makes trouble for new connections, so each dial makes one.
      const fields = { host: '127.0.0.1', port: relay.port, spares: 0, ...login, ...limits }
      await using overlay = await socks5('way', fields)
      const visit = async () =>
        String(await echoed(await dial(overlay.route, { host, port: target.echo }), Buffer.from('hello')))
      await expect.poll(async () => visit().catch(String), patience).toBe('hello')
      await expect.poll(async () => state(overlay), patience).toBe('up')
      const stream = await dial(overlay.route, { host, port: target.echo })
      let heard = ''
      const end = new Promise((resolve) =>
        stream.on('error', (error) => resolve('code' in error && error.code)).on('close', () => resolve('close')),
      )
      stream.on('data', (chunk) => void (heard += String(chunk))).write('before')
      await expect.poll(() => heard, patience).toBe('before')

      await relay.make(trouble)
      await expect(visit()).rejects.toMatchObject({
        kind: trouble === 'is silent' ? 'Timeout' : 'Unavailable',
        retryable: true,
        details: { overlay: overlay.id },
      })
      await expect.poll(async () => state(overlay), patience).toBe('down')
      stream.write(' and more')
      await expect.poll(() => heard, patience).toBe('before and more')
      relay.cut()
      expect(await end).toBe('ECONNRESET')

      await relay.make('works')
      await expect.poll(async () => visit().catch(String), patience).toBe('hello')
      await expect.poll(async () => state(overlay), patience).toBe('up')
    },
  )
})

async function state(overlay: Overlay): Promise<unknown> {
  overlay.doubt?.()
  return (await overlay.status?.())?.state
}
