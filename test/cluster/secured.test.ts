/** Connections with TLS, and files of credentials. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys'
import { expect, it } from 'vitest'
import { makeCertificates } from '../contract/certificates.ts'
import { type Line, NodeProcess } from './node-process.ts'
import { Servers } from './servers.ts'

const section = { name: 'shop', node: 'a', network: null, replicas: 1 }

it('TLS with an authority of its own works, and with another one the node does not connect', async () => {
  await using certificates = await makeCertificates()
  const { certFile, keyFile } = certificates.server
  const settings = { tls: { cert_file: certFile, key_file: keyFile } }
  await using servers = await Servers.start({ count: 1, settings })
  const [url = ''] = servers.urls
  const cluster = { ...section, servers: [url.replace('nats:', 'tls:')] }
  await using node = await NodeProcess.start({ cluster: { ...cluster, tls: { ca: certificates.caFile } } })
  await expect(node.booted()).resolves.toMatchObject({ state: 'member' })
  const other = join(certificates.folder, 'other.pem')
  for (const tls of [{ ca: other }, {}]) {
    await using stranger = await NodeProcess.start({ cluster: { ...cluster, node: 'b', tls } })
    await stranger.until(refusal)
  }
})

it('TLS is required where the section is there, also of nats://', async () => {
  await using servers = await Servers.start({ count: 1 })
  await using node = await NodeProcess.start({ cluster: { ...section, servers: servers.urls, tls: {} } })
  await expect(node.until(refusal)).resolves.toContain('cluster.servers')
})

it('a JWT with its seed is accepted, and a file that others may read is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-jwt-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(async () => rm(folder, { recursive: true }))
  const [operator, system, account, user] = [createOperator(), createAccount(), createAccount(), createUser()]
  const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1, wildcards: true }
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
  const accountJwt = token(operator, account, 'shop', { type: 'account', limits: { ...unlimited, ...storage } })
  const systemJwt = token(operator, system, 'system', { type: 'account', limits: unlimited })
  const userJwt = token(account, user, 'a', { type: 'user', subs: -1, data: -1, payload: -1, pub: {}, sub: {} })
  const configuration = [
    `operator: ${token(operator, operator, 'test', { type: 'operator' })}`,
    'resolver: MEMORY',
    `system_account: ${system.getPublicKey()}`,
    `resolver_preload: { ${system.getPublicKey()}: ${systemJwt}, ${account.getPublicKey()}: ${accountJwt} }\n`,
  ].join('\n')
  await using servers = await Servers.start({ count: 1, configuration })
  const file = join(folder, 'a.creds')
  const seed = new TextDecoder().decode(user.getSeed())
  const part = (name: string, text: string) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`
  await writeFile(file, part('NATS USER JWT', userJwt) + part('USER NKEY SEED', seed), { mode: 0o600 })
  const cluster = { ...section, servers: servers.urls, credentials: file }
  await using node = await NodeProcess.start({ cluster })
  await expect(node.booted()).resolves.toMatchObject({ state: 'member' })
  await chmod(file, 0o640)
  await using refused = await NodeProcess.start({ cluster: { ...cluster, node: 'b' } })
  const failed = await refused.until((line) => line.failed)
  expect(failed).toMatchObject({ kind: 'Invalid' })
  expect(failed.message).toMatch(/a\.creds is open to others \(mode 640\): chmod 600 it/)
  expect(JSON.stringify([node.lines, refused.lines])).not.toContain(seed)
})

/** The line about a connection that failed. */
function refusal({ log, act }: Line): string | undefined {
  if (act !== undefined) throw new Error('it has connected')
  return log !== undefined && /cluster\.servers: none of/.test(log) ? log : undefined
}

/** A JWT of NATS: signed by the key of its issuer. */
function token(issuer: KeyPair, subject: KeyPair, name: string, nats: Readonly<Record<string, unknown>>): string {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    nats: { version: 2, ...nats },
  }
  const signed = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`
  return `${signed}.${Buffer.from(issuer.sign(new TextEncoder().encode(signed))).toString('base64url')}`
}
