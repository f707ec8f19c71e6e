import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readConfig } from './config.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'troupe-cluster-config-'))
})
afterAll(async () => rm(root, { recursive: true }))

const own = { name: 'shop', node: 'a' }

function read(cluster: Readonly<Record<string, unknown>>) {
  return readConfig(root, { sections: { cluster: { ...own, ...cluster } } }).cluster
}

describe('the section cluster', () => {
  it('has defaults, and paths relative to its file', () => {
    expect(read({ servers: ['tls://n1:4222', 'tls://n2:4222'], credentials: 'a.nk', tls: { ca: 'ca.pem' } })).toEqual({
      ...own,
      servers: ['tls://n1:4222', 'tls://n2:4222'],
      credentials: join(root, 'a.nk'),
      tls: { ca: join(root, 'ca.pem') },
      lease: 2_000,
      maxMessage: 8 << 20,
    })
    expect(readConfig(root).cluster).toBeUndefined()
  })

  it('takes variables of the environment, which other sections do not', () => {
    vi.stubEnv('TROUPE_TEST_NODE', 'web-7')
    onTestFinished(() => void vi.unstubAllEnvs())
    const servers = ['tls://${env:TROUPE_TEST_NODE}', 'tls://n2']
    const credentials = 'keys/${env:TROUPE_TEST_NODE}.nk'
    expect(
      read({ node: '${env:TROUPE_TEST_NODE}', servers, credentials, lease: '${env:TROUPE_TEST_NO|3s}' }),
    ).toMatchObject({
      name: 'shop',
      node: 'web-7',
      servers: ['tls://web-7', 'tls://n2'],
      credentials: join(root, 'keys/web-7.nk'),
      lease: 3_000,
    })
    expect(() => read({ node: '${env:TROUPE_TEST_NO}', servers: 'embedded' })).toThrow(
      'cluster.node: the variable TROUPE_TEST_NO is not set and has no default',
    )
    const section = { state_dir: '${env:TROUPE_TEST_NODE}' }
    const { networkService } = readConfig(root, { sections: { network_service: section } })
    expect(networkService.stateDir).toBe(join(root, '${env:TROUPE_TEST_NODE}'))
  })

  it.each([
    ['nats://127.0.0.1:4222', {}],
    ['nats://localhost:4222', {}],
    ['nats://[::1]:4222', {}],
    ['nats://n1:4222', { network: 'app:tor' }],
    ['nats://n1:4222', { tls: {} }],
    ['tls://n1:4222', { network: null }],
  ])('takes %s with %o', (server, more) => {
    expect(read({ servers: [server], ...more })).toMatchObject({ servers: [server] })
  })

  it.each([
    ['servers[0]', { servers: ['nats://n1:4222'] }],
    ['servers[0]', { servers: ['nats://10.0.0.1:4222'], network: null }],
    ['servers[1]', { servers: ['nats://127.0.0.1:1', 'nats://127.0.0.1.example:4222'] }],
    ['servers', { servers: ['nats://127.0.0.1:4222', 'tls://n1:4222'] }],
    ['servers[0]', { servers: ['nats://user:secret@127.0.0.1:4222'] }],
    ['servers[0]', { servers: ['ws://127.0.0.1:4222'] }],
    ['servers', { servers: [] }],
    ['node', { servers: 'embedded', node: 'A' }],
    ['name', { servers: 'embedded', name: 'x'.repeat(33) }],
    ['lease', { servers: 'embedded', lease: '500ms' }],
    ['lease', { servers: 'embedded', lease: '2m' }],
    ['replicas', { servers: 'embedded', replicas: 3 }],
    ['max_message', { servers: 'embedded', max_message: 1000 }],
    ['accept.groups', { servers: 'embedded', accept: { groups: [] } }],
    ['accept.policies', { servers: 'embedded', accept: { groups: ['a'], policies: [] } }],
    ['replicas', { servers: ['tls://n1:4222'], replicas: 2 }],
    ['credentials', { servers: 'embedded', credentials: 'a.nk' }],
    ['network', { servers: 'embedded', network: 'app:tor' }],
    ['tls', { servers: 'embedded', tls: {} }],
    ['shards', { servers: 'embedded', shards: 64 }],
    ['roles', { servers: 'embedded', roles: ['worker'] }],
    ['registry', { servers: 'embedded', registry: 'shared' }],
  ])('refuses what is wrong with %s: %o', (path, given) => {
    const reading = () => read(given)
    expect(reading).toThrow(`cluster.${path}`)
    expect(reading).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(reading).not.toThrow('secret')
  })
})
