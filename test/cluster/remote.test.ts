/** Processes of different nodes, as processes of the operating system on real servers. */
import { describe, expect, it } from 'vitest'
import { Servers } from './servers.ts'
import { twoNodes } from './talking-node.ts'

describe('processes of two nodes', () => {
  it('send and call each other', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 1 }))
    const { a, b } = await twoNodes(stack, servers)
    const [near, far] = [await a.spawn(), await b.spawn()]
    expect(await a.tell(near, 'call', { to: b.remote(far), topic: 'self' })).toEqual({ value: b.remote(far) })
  })
})
