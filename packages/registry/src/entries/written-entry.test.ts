import { describe, expect, it } from 'vitest'
import { readWrittenEntry } from './written-entry.ts'

describe('an entry that code wrote', () => {
  it('has its fields beside id and kind', () => {
    const entry = { id: 'app:proxy', kind: 'network.socks5', meta: { a: 1 }, host: 'h', port: 1, via: undefined }
    expect(readWrittenEntry(entry, 'entries[0]')).toEqual({
      id: 'app:proxy',
      kind: 'network.socks5',
      meta: { a: 1 },
      fields: { host: 'h', port: 1 },
    })
  })

  it.each([
    [undefined, 'entries[2]: expected an entry: { id, kind, …fields }'],
    [{ kind: 'process.ts' }, 'entries[2]: id: expected an id such as "app:proxy"'],
    [{ id: 'proxy', kind: 'x' }, 'entries[2]: id: "proxy" is not an entry id: expected "namespace:name"'],
    [{ id: 'app:proxy' }, 'app:proxy: kind: expected a kind such as "process.ts"'],
    [{ id: 'app:proxy', kind: 'x', host: new Map() }, 'app:proxy.host: an entry holds text'],
    [{ id: 'app:proxy', kind: 'x', meta: { a: new Date() } }, 'app:proxy: meta.a: an entry holds text'],
  ])('is refused when it is %s', (entry, words) => {
    expect(() => readWrittenEntry(entry, 'entries[2]')).toThrow(words)
  })
})
