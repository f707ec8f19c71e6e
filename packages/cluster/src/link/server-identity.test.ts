import type { PeerCertificate } from 'node:tls'
import { expect, it } from 'vitest'
import { serverIdentity } from './server-identity.ts'

function certificateOf(...names: readonly string[]): PeerCertificate {
  const certificate: Partial<PeerCertificate> = { subjectaltname: names.join(', ') }
  return Object.assign(Object.create(null), { subject: { CN: 'servers' } }, certificate)
}

it.each([
  [['tls://10.0.0.1', 'tls://10.0.0.2:4333'], 'localhost', ['IP Address:10.0.0.2'], true],
  [['tls://10.0.0.1'], 'localhost', ['IP Address:10.0.0.3'], false],
  [['tls://[fd00::1]'], 'localhost', ['IP Address:FD00:0:0:0:0:0:0:1'], true],
  // A certificate of this machine is not one of a server elsewhere.
  [['tls://10.0.0.1'], 'localhost', ['DNS:localhost'], false],
  [['tls://localhost'], 'localhost', ['DNS:localhost'], true],
  [['tls://localhost', 'tls://10.0.0.1'], 'localhost', ['DNS:localhost'], true],
  [['tls://n1.test', 'tls://10.0.0.1'], 'n1.test', ['DNS:n1.test'], true],
  [['tls://n1.test', 'tls://10.0.0.1'], 'n1.test', ['IP Address:10.0.0.1'], false],
])('servers %j, checked as %s: the certificate %j is accepted: %s', (servers, host, names, isAccepted) => {
  expect(serverIdentity(servers)(host, certificateOf(...names)) === undefined).toBe(isAccepted)
})
