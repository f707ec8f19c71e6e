/** The link: what happens when its thread or its connection fails. */
import { expect, it } from 'vitest'
import { lateActs, NodeProcess } from './node-process.ts'
import { Relay } from './relay.ts'
import { Servers } from './servers.ts'

const section = { name: 'shop', node: 'a', network: null, replicas: 1, lease: '5s' }

it('a link whose thread has ended is started again, as another incarnation', async () => {
  await using servers = await Servers.start({ count: 1 })
  await using node = await NodeProcess.start({ cluster: { ...section, servers: servers.urls } })
  await using other = await NodeProcess.start({ cluster: { ...section, node: 'b', servers: servers.urls } })
  const { incarnation } = await node.booted()
  await other.booted()
  await other.event('joined', 'a')
  const marks = [node.lines.length, other.lines.length]
  node.endLink()
  await node.until(({ log }) => (log?.includes('the link of the cluster has ended') === true ? log : undefined))
  // Its former record has to lapse first.
  await expect(other.event('died', 'a', marks[1])).resolves.toMatchObject({ incarnation })
  const back = await node.event('joined', 'a', marks[0])
  expect(back.incarnation).toBeGreaterThan(incarnation ?? 0)
  await expect(other.event('joined', 'a', marks[1])).resolves.toMatchObject({ incarnation: back.incarnation })
  await node.until(({ act }) => (act === back.incarnation ? act : undefined))
  expect(lateActs([node, other])).toEqual([])
})

it.each([
  ['becomes silent', (relay: Relay) => relay.silence()],
  // The client prints an exception in its reader, and hangs.
  ['breaks the reader of the client', (relay: Relay) => relay.inject('MSG x\r\n')],
  ['contains what is no message', (relay: Relay) => relay.inject('\u0000\u0001 nonsense\r\n')],
])('a connection that %s is replaced, and the node continues', async (_, disturb) => {
  await using servers = await Servers.start({ count: 1 })
  const [url = ''] = servers.urls
  await using relay = await Relay.to(url)
  await using node = await NodeProcess.start({ cluster: { ...section, servers: [relay.url] } })
  const { incarnation } = await node.booted()
  await node.until(({ act }) => act)
  const before = relay.accepted
  disturb(relay)
  await expect.poll(() => relay.accepted, { timeout: 60_000 }).toBeGreaterThan(before)
  const mark = node.lines.length
  // A reply to a renewal that was sent afterwards is what makes it act on, or again.
  const next = await node.until(({ act, at }) => (act === undefined ? undefined : { act, at }), mark)
  await node.until(({ act, at }) => (act !== undefined && at > next.at + 5_000 ? act : undefined), mark)
  expect(next.act).toBe(incarnation)
  expect(lateActs([node])).toEqual([])
})
