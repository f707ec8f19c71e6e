import { entryId } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { expect, it } from 'vitest'
import { tailscaleKind } from './config.ts'

const id = entryId('app:tailnet')
const key = { auth_key: 'tskey-auth-secret' }

function problemsOf(fields: Readonly<Record<string, unknown>>) {
  const registry = new Registry({ kinds: [tailscaleKind] })
  registry.add({ id, kind: tailscaleKind.kind, fields })
  return registry.check()
}

it.each([
  ['auth_key', { auth_key: '' }],
  ['auth_key', { auth_key: ' \n' }],
  ['auth_key_env', { ...key, auth_key_env: 'KEY' }],
  ['hostname', { ...key, hostname: '' }],
  ['hostname', { ...key, hostname: 'two.labels' }],
  ['hostname', { ...key, hostname: '-a' }],
  ['hostname', { ...key, hostname: 'a'.repeat(64) }],
  ['state_dir', { ...key, state_dir: '' }],
  ['control_url', { ...key, control_url: 'tailnet.test' }],
  ['control_url', { ...key, control_url: 'ftp://tailnet.test' }],
  ['ephemeral', { ...key, ephemeral: 'yes' }],
  ['tags[0]', { ...key, tags: ['web'] }],
  ['ca', { ...key, ca: 'ca.pem' }],
  ['exit_node', { ...key, exit_node: '' }],
  ['auth_key', { auth_key: 'tskey-api-1234' }],
  ['auth_key_env', { auth_key_env: '$KEY' }],
  ['auth_key_env', { auth_key_env: 'KEY=1' }],
  ['state_dir', { ...key, state_dir: 'file:///var/lib/web' }],
  ['control_url', { ...key, control_url: 'https://user:word@tailnet.test' }],
  ['control_url', { ...key, control_url: 'https://tailnet.test/?key=1' }],
  ['exit_node', { ...key, exit_node: '10.0.0.0/8' }],
  ['exit_node', { ...key, exit_node: '127.0.0.1' }],
  ['exit_node', { ...key, exit_node: 'WEB', hostname: 'web' }],
  ['authkey', { ...key, authkey: 'x' }],
])('an entry is refused for its %s in %j', (path, fields) => {
  const problems = problemsOf(fields)
  expect(problems).toEqual([expect.objectContaining({ entry: id, path })])
  expect(JSON.stringify(problems)).not.toContain(key.auth_key)
})

it('an entry may have all fields', () => {
  const all = {
    hostname: 'web-1',
    state_dir: 'web',
    control_url: 'https://tailnet.test',
    ephemeral: true,
    tags: ['tag:web'],
    exit_node: 'exit',
    ca: '-----BEGIN CERTIFICATE-----',
  }
  expect(problemsOf({ ...key, ...all })).toEqual([])
  expect(problemsOf({ auth_key_env: 'KEY' })).toEqual([])
  expect(problemsOf({})).toEqual([])
})
