/** Threads whose network has changed: an overlay with the same id that leads elsewhere is another network. */
import { funcs, registry } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startProxy } from './socks-proxy.ts'

const root = join(import.meta.dirname, '../fixtures/live')
/** A change is refused if its proxy cannot be reached. */
const at = ({ port }: { readonly port: number }) => ({
  id: 'app:proxy',
  kind: 'network.socks5',
  host: '127.0.0.1',
  port,
})
const entriesOf = (proxy: WrittenEntry): readonly WrittenEntry[] => [
  proxy,
  { id: 'app:remember', kind: 'function.ts', source: 'file://programs.ts', method: 'remember', pool: { max: 1 } },
]
const through = funcs.withOptions({ network: 'app:proxy' })

/** Calls that one thread has handled, as its module remembers them. */
const remembered = (...words: readonly string[]) => ({ words, overlay: 'app:proxy' })

describe('threads of a pool', () => {
  it('keep their modules while their overlay leads to the same place', async () => {
    await using first = await startProxy()
    await using _ = await startApp({ root, entries: entriesOf(at(first)) })
    expect(await through.call('app:remember', 'a')).toEqual(remembered('a'))
    await using second = await startProxy()
    await registry.apply([{ op: 'update', entry: at(second) }])
    expect(await through.call('app:remember', 'b')).toEqual(remembered('a', 'b'))
  })

  it('get no more work once their overlay is deleted; a new one with its id is another network', async () => {
    await using first = await startProxy()
    await using _ = await startApp({ root, entries: entriesOf(at(first)) })
    expect(await through.call('app:remember', 'a')).toEqual(remembered('a'))
    await registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])
    await expect(through.call('app:remember', 'b')).rejects.toMatchObject({ kind: 'NotFound' })
    await registry.apply([{ op: 'create', entry: at(first) }])
    expect(await through.call('app:remember', 'c')).toEqual(remembered('c'))
  })

  it('get no more work once their overlay isolates differently', async () => {
    await using first = await startProxy()
    await using _ = await startApp({ root, entries: entriesOf(at(first)) })
    expect(await through.call('app:remember', 'a')).toEqual(remembered('a'))
    await registry.apply([{ op: 'update', entry: { ...at(first), isolate: 'actor' } }])
    expect(await through.call('app:remember', 'b')).toEqual(remembered('b'))
    expect(await through.withActor({ id: 'ann', meta: {} }).call('app:remember', 'c')).toEqual(remembered('c'))
    await registry.apply([{ op: 'update', entry: at(first) }])
    expect(await through.call('app:remember', 'd')).toEqual(remembered('d'))
  })

  it('get no more work once their overlay is of another kind', async () => {
    await using first = await startProxy()
    await using _ = await startApp({ root, entries: entriesOf(at(first)) })
    expect(await through.call('app:remember', 'a')).toEqual(remembered('a'))
    await registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])
    await registry.apply([
      { op: 'create', entry: { id: 'app:proxy', kind: 'network.i2p', host: '127.0.0.1', port: first.port } },
    ])
    expect(await through.call('app:remember', 'b')).toEqual(remembered('b'))
  })
})
