/**
 * The contract of overlays with proxies as Debian's packages configure them. (microsocks has no configuration:
 * `socks5.test.ts` runs it with its defaults.)
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import { overlayContract } from '../contract/overlay-contract.ts'
import { startDebianDante, startDebianTor } from '../peers/debian.ts'
import { address } from '../peers/loopback.ts'
import { reroute, socks5 } from './socks5-fixture.ts'

const { target, tor } = inject('peers')
const stack = new AsyncDisposableStack()
const folder = await mkdtemp(join(tmpdir(), 'troupe-debian-'))
stack.defer(async () => rm(folder, { recursive: true, force: true }))
afterAll(async () => stack.disposeAsync())

const places = {
  bye: { host: '127.0.0.1', port: target.bye },
  refused: { host: '127.0.0.1', port: target.closed },
}
const byAddress = { ipv4: { host: '127.0.0.1', port: target.echo }, ipv6: { host: '::1', port: target.echo } }

overlayContract('network.socks5 on dante as Debian has it', async () => {
  const { host, port } = stack.use(await startDebianDante(folder, address(31)))
  const overlay = await socks5('debian-dante', { host, port })
  return {
    ...places,
    overlay,
    echo: { ...byAddress, name: { host: 'localhost', port: target.echo } },
    unknown: { host: `${'a'.repeat(64)}.invalid`, port: 80 },
    halfClose: true,
    routeTo: (other) => reroute(overlay.route, other),
  }
})

overlayContract('network.socks5 on Tor as Debian has it', async () => {
  const { host, port } = stack.use(
    await startDebianTor(folder, address(32), tor.directory, { host: 'web.test', port: target.http }),
  )
  const overlay = await socks5('debian-tor', { host, port })
  return {
    ...places,
    overlay,
    echo: { ...byAddress, name: { host: 'web.test', port: target.echo } },
    unknown: { host: 'nowhere.test', port: 80 },
    halfClose: false,
    routeTo: (other) => reroute(overlay.route, other),
  }
})
