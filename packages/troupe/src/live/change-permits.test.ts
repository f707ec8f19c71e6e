import { denied, entryId } from '@troupe/core'
import type { Entry } from '@troupe/registry'
import { expect, it } from 'vitest'
import { permitChange } from './change-permits.ts'

const entry = (id: string, kind: string, fields: Entry['fields'], meta: Entry['meta'] = {}): Entry => ({
  id: entryId(id),
  kind,
  fields,
  meta,
})

/** What a change asks beyond `registry.apply` of its id and its kind. */
function asked(before: Entry | undefined, after: Entry): readonly string[] {
  const asks: string[] = []
  const change = before === undefined ? { op: 'create' as const, after } : { op: 'update' as const, before, after }
  permitChange({ id: after.id, ...change }, (action, resource) => {
    if (action !== 'registry.apply') asks.push(`${action} ${resource}`)
  })
  return asks
}

const tailscale = { control_url: 'https://evil.test', auth_key_env: 'APP_SECRET' }
const proxy = { host: '127.0.0.1', port: 9 }

it.each<[string, Entry | undefined, Entry, string[]]>([
  [
    'the key of a tailnet, by its variable',
    undefined,
    entry('plugin:t', 'network.tailscale', tailscale),
    ['env.get APP_SECRET'],
  ],
  ['a function with a field of that name', undefined, entry('plugin:f', 'function.ts', tailscale), []],
  [
    'the way to a proxy',
    entry('plugin:p', 'network.socks5', proxy),
    entry('plugin:p', 'network.socks5', { ...proxy, via: 'app:tor' }),
    ['network.select app:tor'],
  ],
  [
    'a way that stays',
    entry('plugin:p', 'network.socks5', { ...proxy, via: 'tor' }),
    entry('plugin:p', 'network.socks5', { ...proxy, port: 10, via: 'plugin:tor' }),
    [],
  ],
  [
    'a service on an overlay',
    undefined,
    entry('plugin:w', 'http.service', { addr: ':80', network: 'app:tor' }),
    ['network.bind app:tor'],
  ],
  ['a service in the clear', undefined, entry('plugin:w', 'http.service', { addr: ':80', network: null }), []],
  [
    'both names of a variable',
    undefined,
    entry('plugin:v', 'env.variable', { storage: 'm', variable: 'PATH' }),
    ['env.set PATH', 'env.set v'],
  ],
  [
    'a variable that takes another name',
    entry('plugin:v', 'env.variable', { storage: 'm' }),
    entry('plugin:v', 'env.variable', { storage: 'm', variable: 'PATH' }),
    ['env.set PATH'],
  ],
  [
    'what becomes a variable',
    entry('plugin:v', 'function.ts', {}),
    entry('plugin:v', 'env.variable', { storage: 'm' }),
    ['env.set v'],
  ],
])('%s', (_what, before, after, expected) => {
  expect(asked(before, after)).toEqual(expected)
})

it('a name that only the decoding would show is refused', () => {
  const open = (kind: string, field: string) => () => asked(undefined, entry('plugin:x', kind, { [field]: '${env:X}' }))
  for (const refused of [
    open('env.variable', 'variable'),
    open('env.variable', 'storage'),
    open('network.socks5', 'via'),
    open('network.tailscale', 'auth_key_env'),
    open('http.service', 'network'),
  ])
    expect(refused).toThrow('written without placeholders')
})

it.each(['network.socks5', 'network.tailscale', 'network.i2p', 'http.service', 'security.token_store'])(
  '%s needs the permission of its kind',
  (kind) => {
    const refuse = (action: string, resource: string) => {
      if (resource === kind) throw denied(`${action} of ${resource}`)
    }
    const after = entry('plugin:x', kind, {})
    expect(() => {
      permitChange({ op: 'create', id: after.id, after }, refuse)
    }).toThrow(`registry.apply of ${kind}`)
  },
)
