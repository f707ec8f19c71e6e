/** Nodes as processes, on three real servers. */
import { describe, expect, it } from 'vitest'
import { deaths, lateActs, NodeProcess } from './node-process.ts'
import { Servers } from './servers.ts'

/** A machine that stands still for a whole lease makes a node die: leases are longer than by default. */
function settingsOf(servers: Servers, node: string, lease = '5s') {
  return { cluster: { name: 'shop', node, servers: servers.urls, network: null, lease } }
}

/** The nodes a, b and c, which know one another. */
async function three(stack: AsyncDisposableStack, servers: Servers, lease?: string) {
  const names = ['a', 'b', 'c']
  const nodes = await Promise.all(
    names.map(async (name) => stack.use(await NodeProcess.start(settingsOf(servers, name, lease)))),
  )
  for (const node of nodes) await node.booted()
  for (const node of nodes) for (const name of names) await node.event('joined', name)
  const [a, b, c] = nodes
  if (a === undefined || b === undefined || c === undefined) throw new Error('three nodes were started')
  return { a, b, c, nodes }
}

describe('the nodes of a cluster', () => {
  it('join and leave, and the others learn it', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 3 }))
    const { a, b, c, nodes } = await three(stack, servers, '10s')
    await c.stop()
    expect(c.lines.at(-1)).toMatchObject({ stopped: true })
    const { incarnation } = await c.event('left', 'c')
    for (const node of [a, b])
      await expect(node.event('left', 'c')).resolves.toMatchObject({ incarnation, isOwn: false })
    expect(deaths(nodes)).toEqual(new Map())
  })

  it('declare a killed node dead, and its name can join again', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 3 }))
    const { a, b, c, nodes } = await three(stack, servers)
    const { incarnation } = await a.event('joined', 'c')
    c.child.kill('SIGKILL')
    const [first, second] = await Promise.all([a.event('died', 'c'), b.event('died', 'c')])
    expect(first.incarnation).toBe(incarnation)
    expect(first.by).toMatch(/^[ab]$/)
    expect(second).toMatchObject({ incarnation, by: first.by })
    const again = stack.use(await NodeProcess.start(settingsOf(servers, 'c')))
    await again.booted()
    const next = await a.until(({ event }) =>
      event?.type === 'joined' && event.node === 'c' && event.incarnation > incarnation ? event : undefined,
    )
    await expect(again.event('joined', 'c')).resolves.toMatchObject({ incarnation: next.incarnation, isOwn: true })
    expect([...deaths(nodes).keys()]).toEqual([incarnation])
    expect(lateActs([...nodes, again])).toEqual([])
  })

  it('never let a stopped node act after it was declared dead; it joins again as another incarnation', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 3 }))
    const { a, b, c, nodes } = await three(stack, servers, '3s')
    for (const [round, victim] of [c, b, a].entries()) {
      const name = ['c', 'b', 'a'][round] ?? ''
      const others = nodes.filter((node) => node !== victim)
      const marks = nodes.map(({ lines }) => lines.length)
      const after = (node: NodeProcess) => marks[nodes.indexOf(node)] ?? 0
      victim.child.kill('SIGSTOP')
      const died = await Promise.all(others.map(async (node) => node.event('died', name, after(node))))
      victim.child.kill('SIGCONT')
      const own = await victim.event('died', name, after(victim))
      expect(new Set([...died, own].map(({ incarnation }) => incarnation)).size).toBe(1)
      const back = await victim.event('joined', name, after(victim))
      expect(back.incarnation).toBeGreaterThan(own.incarnation)
      for (const node of others) await node.event('joined', name, after(node))
    }
    expect(lateActs(nodes)).toEqual([])
    expect(nodes.flatMap(({ lines }) => lines.filter(({ act }) => act !== undefined)).length).toBeGreaterThan(50)
  })

  it('declare no node dead when the servers stand still for a lease, and their leader is killed', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 3 }))
    const { nodes } = await three(stack, servers)
    const marks = nodes.map(({ lines }) => lines.length)
    const followers = await servers.stopFollowers('KV_troupe_shop_nodes')
    // Each node lapses, because nothing is accepted, and acts again as the same incarnation.
    const lapses = await Promise.all(
      nodes.map(async (node, index) =>
        node.until(({ state, at }) => (state === 'lapsed' ? at : undefined), marks[index]),
      ),
    )
    followers.killLeader()
    followers.continue()
    const views = await Promise.all(
      nodes.map(async (node, index) => {
        const lapsed = lapses[index] ?? Infinity
        const act = await node.until(
          ({ act: by, at }) => (by !== undefined && at > lapsed ? by : undefined),
          marks[index],
        )
        return { act, before: node.lines.find(({ act: by }) => by !== undefined)?.act }
      }),
    )
    for (const { act, before } of views) expect(act).toBe(before)
    // A silence of a whole lease after that would be noticed: a node that leaves is the end of the wait.
    const [first, ...others] = nodes
    await first?.stop()
    for (const node of others) await node.event('left', 'a')
    expect(deaths(nodes)).toEqual(new Map())
    expect(lateActs(nodes)).toEqual([])
  })
})
