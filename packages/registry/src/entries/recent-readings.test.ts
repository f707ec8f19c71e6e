import { entryId } from '@troupe/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Registry } from '../registry.ts'
import { kinds, socks5 } from '../testing/kinds.ts'

const id = entryId('app:proxy')
const variable = 'TROUPE_TEST_RECENT_HOST'

function registryWith(host: string): Registry {
  const registry = new Registry({ kinds })
  registry.add({ id, kind: socks5.kind, fields: { host, port: 1 } })
  return registry
}

afterEach(() => vi.unstubAllEnvs())

describe('an entry that is decoded again', () => {
  it('is the same while nothing has changed', () => {
    const registry = registryWith('127.0.0.1')
    expect(registry.decode(id)).toBe(registry.decode(id, socks5))
  })

  it('is another when a variable has another value, or none', () => {
    const registry = registryWith(`\${env:${variable}}`)
    vi.stubEnv(variable, 'first')
    expect(registry.check()).toEqual([])
    expect(registry.decode(id, socks5).fields.host).toBe('first')
    vi.stubEnv(variable, 'second')
    expect(registry.decode(id, socks5).fields.host).toBe('second')
    vi.stubEnv(variable, undefined)
    expect(() => registry.decode(id)).toThrow(variable)
    expect(registry.check()).toHaveLength(1)
  })

  it('is another after a change', async () => {
    const registry = registryWith('127.0.0.1')
    const before = registry.decode(id, socks5)
    await registry.apply([{ op: 'update', entry: { id, kind: socks5.kind, host: '127.0.0.2', port: 1 } }])
    expect(before.fields.host).toBe('127.0.0.1')
    expect(registry.decode(id, socks5).fields.host).toBe('127.0.0.2')
  })
})
