import { expect, it } from 'vitest'
import { appFolder } from '../testing/app-folder.ts'
import { clusterText, recordTable } from './cluster-status.ts'

const section = 'cluster: { name: shop, node: a, servers: embedded }\n'
const index = 'version: "1.0"\nnamespace: app\nentries: []\n'

function folder(more = section) {
  return appFolder({ '.troupe.yaml': `version: "1.0"\n${more}`, 'src/_index.yaml': index })
}

it.each([
  [[], 2, '"troupe cluster" takes check, status, or credentials and the names of nodes'],
  [['remove'], 2, '"troupe cluster" takes check, status, or credentials and the names of nodes'],
  [['check', 'a'], 2, '"troupe cluster check" takes no "a"'],
  [['credentials'], 2, 'takes the names of nodes'],
  [['credentials', 'a', 'b', '--out', 'x'], 2, '--out takes the key of one node'],
  [['credentials', 'a', 'a'], 1, 'a is named twice'],
  [['check', '--out', 'x'], 2, '--out belongs to'],
  [['status', '--monitor', 'http://127.0.0.1:1'], 2, '--monitor belongs to'],
  [['check', '--pid', '7'], 2, '--pid belongs to'],
  [['credentials', 'A'], 1, '1 to 32 characters of a-z, 0-9 and "-", not "A"'],
  [['status'], 1, 'its server runs only with it: start it with "troupe run"'],
])('troupe cluster %j ends with %i: %s', async (words, status, message) => {
  using app = folder()
  const { err, ...said } = await app.troupe('cluster', ...words)
  expect(said.status).toBe(status)
  expect(err).toContain(message)
})

it('needs the section', async () => {
  using app = folder('')
  await expect(app.troupe('cluster', 'check')).resolves.toMatchObject({
    status: 1,
    err: expect.stringContaining('this application has no section "cluster"') as string,
  })
})

it('check of an embedded server needs no connection', async () => {
  using app = folder()
  const { status, out } = await app.troupe('cluster', 'check')
  expect([status, out]).toEqual([0, expect.stringContaining('the application starts a server of its own')])
})

it('a running cluster is shown with the state of each node, and since when', () => {
  const nodes = [
    { node: 'a', incarnation: 4, since: 5_000 },
    { node: 'b', incarnation: 9, since: 8_000 },
  ]
  const server = '127.0.0.1:4222'
  const text = clusterText({ name: 'shop', node: 'a', state: 'member', since: 5_000, server, nodes }, 10_000)
  expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['cluster shop: node a is member for 5 s, by 127.0.0.1:4222'],
    ['NODE', 'INCARNATION', 'STATE', 'FOR'],
    ['a', '4', 'member', '5 s'],
    ['b', '9', 'member', '2 s'],
  ])
  const trouble = { kind: 'Unavailable', message: 'none can be used' }
  expect(clusterText({ name: 'shop', node: 'a', state: 'connecting', since: 0, nodes: [], trouble }, 0)).toContain(
    'Unavailable: none can be used',
  )
})

it('records are shown with their state and age', () => {
  const table = recordTable(
    [
      { node: 'a', incarnation: 4, state: 'alive', writtenAt: 9_000 },
      { node: 'b', incarnation: 9, state: 'dead', by: 'a', writtenAt: 4_000 },
    ],
    10_000,
  )
  expect(table.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['NODE', 'INCARNATION', 'STATE', 'LAST RECORD', 'BY'],
    ['a', '4', 'alive', '1 s ago', '-'],
    ['b', '9', 'dead', '6 s ago', 'a'],
  ])
})
