import { httpListenerContract } from '../../contract/http-listener.ts'
import { makeCertificates } from '../../contract/certificates.ts'
import { loopbackNetwork } from '../../overlays/loopback/kind.ts'

httpListenerContract('network.loopback', async () => {
  const network = await loopbackNetwork()
  const certificates = await makeCertificates()
  const { server, ca } = certificates
  const here = { id: 'app:here', kind: 'network.loopback', host: 'localhost', cert: server.cert, key: server.key }
  return {
    app: { overlays: [network] },
    listener: here,
    visitor: { id: 'app:there', kind: 'network.loopback', host: 'there.loop' },
    changed: (times) => ({ ...here, version: times + 1 }),
    peer: { address: 'visitor.loop', user: 'visitor', tags: ['tag:test'] },
    actor: 'tailscale:user:visitor',
    tls: { ca },
    [Symbol.asyncDispose]: async () => {
      await network[Symbol.asyncDispose]()
      await certificates[Symbol.asyncDispose]()
    },
  }
})

httpListenerContract('network.loopback without certificates', async () => {
  const network = await loopbackNetwork()
  const here = { id: 'app:bare', kind: 'network.loopback', host: 'here.loop' }
  return {
    app: { overlays: [network] },
    listener: here,
    visitor: { id: 'app:guest', kind: 'network.loopback', host: 'there.loop' },
    changed: (times) => ({ ...here, version: times + 1 }),
    peer: { address: 'visitor.loop' },
    [Symbol.asyncDispose]: async () => network[Symbol.asyncDispose](),
  }
})
