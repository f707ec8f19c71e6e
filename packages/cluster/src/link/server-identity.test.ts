import type { PeerCertificate } from 'node:tls'
import { expect, it } from 'vitest'
import { serverIdentity } from './server-identity.ts'

const name = { C: '', ST: '', L: '', O: '', OU: '', CN: 'servers' }
const digests = { fingerprint: '', fingerprint256: '', fingerprint512: '', serialNumber: '' }
const rest = { ca: false, issuer: name, valid_from: '', valid_to: '', ...digests, raw: Buffer.alloc(0) }

function certificateOf(names: readonly string[]): PeerCertificate {
  return { ...rest, subject: name, subjectaltname: names.join(', ') }
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
  expect(serverIdentity(servers)(host, certificateOf(names)) === undefined).toBe(isAccepted)
})
