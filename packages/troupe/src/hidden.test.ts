/** What code learns of things that policies hide from it: the kernel says the same of what is there and what is not. */
import { newActor } from '@troupe/policy'
import type { Requests } from '@troupe/process/protocol'
import { expect, it } from 'vitest'
import { processes, registry, security } from './index.ts'
import { startApp } from './test/index.ts'
import { entries, inherit, question, root, said } from './testing/hidden-app.ts'

/** Of each sort of thing one that is there, and one that is not. */
const there = {
  entry: 'app:bank',
  host: 'app:host',
  overlay: 'app:proxy',
  policy: 'app:something',
  group: 'secret',
  store: 'app:tokens',
  supervisor: 'app:supervisor',
  child: 'child',
  parted: 'app:parted',
  name: 'victim',
  members: 'victims',
  variable: 'app:variable',
  queue: 'app:queue',
  pid: '',
}
type Things = typeof there
const absent: Things = {
  entry: 'app:an_entry',
  host: 'app:a_host',
  overlay: 'app:an_overlay',
  policy: 'app:a_policy',
  group: 'a_group',
  store: 'app:a_store',
  supervisor: 'app:a_supervisor',
  child: 'a_child',
  parted: 'app:some_parts',
  name: 'a_name',
  members: 'some_members',
  variable: 'app:a_variable',
  queue: 'app:a_queue',
  pid: '<1.4711>',
}

type Ask = (things: Things) => object
const own = 'app:inquire'
const spawning = { entry: 'app:honest', host: 'app:host', args: [], choice: {}, inherit }
const grant = { actor: { id: 'a', meta: {} }, policies: [], groups: [], meta: {} }
const tokenStore: Ask = ({ store }) => ({ store, token: 'x', inherit })

/** Each request about each sort of thing; none for a request that is about the caller alone. */
const asks: Readonly<Record<keyof Requests, readonly Ask[]>> = {
  spawn: [
    ({ entry }) => ({ ...spawning, entry }),
    ({ host }) => ({ ...spawning, host }),
    ({ name }) => ({ ...spawning, name }),
    ({ overlay }) => ({ ...spawning, choice: { network: overlay } }),
    ({ policy }) => ({ ...spawning, choice: { scope: [policy] } }),
  ],
  call: [
    ({ entry }) => ({ entry, args: [], choice: {}, inherit }),
    ({ policy }) => ({ entry: own, args: [], choice: { scope: [policy] }, inherit }),
    ({ overlay }) => ({ entry: own, args: [], choice: { network: overlay }, inherit }),
  ],
  program: [({ entry }) => ({ entry })],
  upgrade: [({ entry }) => ({ entry })],
  terminate: [({ pid }) => ({ pid })],
  cancel: [({ pid }) => ({ pid, reason: '' })],
  register: [({ pid }) => ({ name: 'mine', pid }), ({ name, pid }) => ({ name, pid })],
  unregister: [({ name }) => ({ name })],
  lookup: [({ name }) => ({ name }), ({ supervisor, child }) => ({ name: `${supervisor}/${child}` })],
  permit: ['send', 'monitor', 'link', 'unlink'].map((action) => ({ pid }: Things) => ({
    action: `process.${action}`,
    resource: pid,
  })),
  can: [({ policy }) => ({ ...question, action: 'registry.get', resource: policy })],
  evaluate: [({ policy }) => ({ ...question, scope: [policy] }), () => ({ ...question, scope: ['app:nothing'] })],
  policy: [({ policy }) => ({ id: policy })],
  namedScope: [({ group }) => ({ group })],
  select: [({ overlay }) => ({ overlay })],
  route: [({ overlay }) => ({ overlay })],
  bind: [({ overlay }) => ({ overlay, options: { port: 80 } })],
  entry: [({ entry }) => ({ id: entry })],
  entries: [() => ({})],
  startChild: [
    ({ supervisor }) => ({ supervisor, child: { id: 'x', process: 'app:honest' } }),
    ({ entry }) => ({ supervisor: 'app:supervisor', child: { id: 'x', process: entry } }),
    ({ host }) => ({ supervisor: 'app:supervisor', child: { id: 'x', process: 'app:honest', host } }),
  ],
  terminateChild: [({ supervisor, child }) => ({ supervisor, child })],
  restartChild: [({ supervisor, child }) => ({ supervisor, child })],
  deleteChild: [({ supervisor, child }) => ({ supervisor, child })],
  whichChildren: [({ supervisor }) => ({ supervisor }), ({ parted }) => ({ supervisor: parted })],
  countChildren: [({ supervisor }) => ({ supervisor }), ({ parted }) => ({ supervisor: parted })],
  partition: [
    ({ parted }) => ({ supervisor: parted, key: 'k' }),
    ({ supervisor }) => ({ supervisor, key: 'k' }),
    ({ supervisor, child }) => ({ supervisor, key: 'k', child }),
  ],
  joinGroup: [({ pid }) => ({ group: 'g', pid }), ({ members, pid }) => ({ group: members, pid })],
  leaveGroup: [({ pid }) => ({ group: 'g', pid }), ({ members, pid }) => ({ group: members, pid })],
  groupMembers: [({ members }) => ({ group: members })],
  broadcastTo: [({ members }) => ({ group: members })],
  openConnection: [({ entry }) => ({ entry, ticket: '1' })],
  converse: [],
  createToken: [
    ({ store }) => ({ store, grant }),
    ({ policy, store }) => ({ store, grant: { ...grant, policies: [policy] } }),
  ],
  validateToken: [({ store }) => ({ store, token: 'x' })],
  revokeToken: [({ store }) => ({ store, id: 'x' })],
  openSession: [tokenStore],
  openLane: [({ entry }) => ({ endpoint: entry })],
  closeLane: [({ pid }) => ({ lane: pid })],
  lendSession: [({ pid }) => ({ lane: pid })],
  identify: [],
  serving: [],
  ...{ clusterReport: [], pairWanted: [], pairClosed: [], nodeMalformed: [], jobCommands: [], jobOutcomes: [] },
  apply: [
    ({ entry }) => ({ changes: [{ op: 'delete', entry: { id: entry } }] }),
    ({ entry }) => ({ changes: [{ op: 'create', entry: { id: entry, kind: 'function.ts' } }] }),
  ],
  history: [],
  rollback: [],
  getEnv: [({ variable }) => ({ name: variable })],
  setEnv: [({ variable }) => ({ name: variable, value: 'x' })],
  resolve: [],
  dial: [],
  // About the caller's own things, or about nothing that is hidden.
  sendLater: [
    ({ pid }) => ({ to: pid, topic: 't', payload: 1, time: { in: 3_600_000 }, durable: false, inherit }),
    ({ name }) => ({ to: name, topic: 't', payload: 1, time: { in: 3_600_000 }, durable: false, inherit }),
  ],
  cancelLater: [],
  publishJob: [({ queue }) => ({ queue, payload: 1, delay: 0, priority: 0, inherit })],
  jobProgress: [({ queue }) => ({ queue, id: 'x', receipt: 'x', value: 1 })],
  getJob: [({ queue }) => ({ queue, id: 'x' })],
  countJobs: [({ queue }) => ({ queue })],
  deadJobs: [({ queue }) => ({ queue, limit: 1 })],
  replayJob: [({ queue }) => ({ queue, id: 'x' })],
  dropJob: [({ queue }) => ({ queue, id: 'x' })],
  ...{ cancelCall: [], cancelDial: [], leaseAddresses: [], isAddressLeased: [], unbind: [] },
  ...{ version: [], log: [], input: [] },
}

it('is nothing, of any thing, by any request', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  await probe.run(async () => {
    const pid = await processes.withName('victim').spawn('app:honest', 'app:host')
    await processes.groups.join('victims', pid)
    await registry.apply([{ op: 'create', entry: { id: 'app:later', kind: 'env.storage.memory' } }])
    const all = Object.entries(asks).flatMap(([name, forms]) => forms.map((form) => [name, form] as const))
    const inquire = async (things: Things, ...scope: readonly string[]) => {
      const answers: unknown = await processes
        .withActor(newActor('mallory'))
        .withScope(security.newScope(scope))
        .exec(
          'app:inquire',
          'app:host',
          all.map(([name, form]) => [name, form(things)]),
        )
      // Whatever the thing, an answer may repeat its name, as the request had it.
      const texts = Array.isArray(answers) ? answers.map(String) : []
      return texts.map((text, at) => {
        const longestFirst = Object.entries(things).toSorted(([, a], [, b]) => b.length - a.length)
        const plain = longestFirst.reduce((now, [sort, thing]) => now.replaceAll(thing, `(${sort})`), text)
        return `${all[at]?.[0]} ${plain.replaceAll(/<\d+\.\d+>/g, '(own)')}`
      })
    }
    const present = { ...there, pid }
    expect(await inquire(present, 'app:nothing')).toEqual(await inquire(absent, 'app:nothing'))
    // Without the policy that denies, the same requests show which is which.
    const [shown, missing] = [await inquire(absent, 'app:lists'), await inquire(present, 'app:lists')]
    expect(shown.filter((text, at) => text !== missing[at]).length).toBeGreaterThan(20)
  })
})

it('not by the help for people, either: an error suggests no other entry', async () => {
  const wide = { id: 'app:wide', kind: 'security.policy', effect: 'allow', actions: '*', resources: '*:bonk' }
  await using app = await startApp({ root, entries: [...entries, wide] })
  await using probe = await app.probe()
  await probe.run(async () => {
    const id = 'app:bonk'
    const created = { id, kind: 'process.ts', source: 'file://x', accepts: ['app:prox'] }
    const answers = await said(
      ['app:wide'],
      ['entry', { id }],
      ['call', { entry: id, args: [], choice: {}, inherit }],
      ['apply', { changes: [{ op: 'delete', entry: { id } }] }],
      ['apply', { changes: [{ op: 'create', entry: created }] }],
    )
    await expect(registry.get(id)).rejects.toThrow('did you mean "app:bank"?')
    const heard = String(answers)
    expect(heard.match(/NotFound/g)).toHaveLength(3)
    expect(heard).toMatch(/Invalid: 2 problems:\s+app:bonk: accepts\[0\]: there is no entry app:prox$/m)
    expect(heard).not.toMatch(/did you mean|app:bank|app:proxy/)
  })
})

it('of versions, the changes to entries that it may read', async () => {
  await using app = await startApp({
    root,
    entries: [
      ...entries,
      { id: 'app:reads', kind: 'security.policy', effect: 'allow', actions: 'registry.get', resources: 'plugin:*' },
    ],
  })
  await using probe = await app.probe()
  await probe.run(async () => {
    for (const id of ['app:later', 'plugin:later'])
      await registry.apply([{ op: 'create', entry: { id, kind: 'env.storage.memory' } }])
    const heard = async (...scope: readonly string[]) => String(await said(scope, ['history', {}]))
    expect(await heard('app:nothing')).not.toMatch(/later/)
    expect(await heard('app:reads')).toMatch(/plugin:later/)
    expect(await heard('app:reads')).not.toMatch(/app:later/)
    expect(await heard('app:lists')).toMatch(/app:later/)
  })
})
