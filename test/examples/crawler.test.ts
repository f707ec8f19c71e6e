import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { expect, inject, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'
import { TorControl } from '../peers/tor-control.ts'

const repository = resolve(import.meta.dirname, '../..')
const folder = join(repository, 'examples/crawler')
const troupe = join(repository, 'packages/cli/src/troupe.ts')

it('examples/crawler follows links over a real Tor, with a circuit for each worker', async () => {
  const { tor } = inject('peers')
  const pages: Readonly<Record<string, string>> = { '/': '<a href="/a">a</a> <a href="/b">b</a> <a href="/c">c</a>' }
  const site = createServer((request, response) => response.end(pages[request.url ?? ''] ?? 'the end'))
  await once(site.listen(0, '127.0.0.1'), 'listening')
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    site.closeAllConnections()
    site.close()
  })
  using control = await TorControl.open(tor)
  const start = `http://web.test:${(site.address() as AddressInfo).port}/`
  const env = { ...process.env, TOR_HOST: tor.socks.host, TOR_PORT: String(tor.socks.port) }
  using program = new Program(process.execPath, [troupe, 'run', 'crawl', start], folder, env)
  const { status, out, err } = await program.ended
  expect([status, out.split('\n').toSorted(), status === 0 ? '' : err]).toEqual([
    0,
    ['', `200 ${start}`, `200 ${start}a`, `200 ${start}b`, `200 ${start}c`],
    '',
  ])
  // The events of the control port contain each stream of the site, with its circuit.
  await control.streams()
  const port = new URL(start).port
  const circuits = control.events
    .filter((stream) => stream.status === 'SUCCEEDED' && stream.target.endsWith(`:${port}`))
    .map(({ circuit }) => circuit)
  // A circuit that breaks is replaced, so that there may be more.
  expect(new Set(circuits).size).toBeGreaterThanOrEqual(3)
})

it('without Tor, examples/crawler reaches nothing', async () => {
  const env = { ...process.env, TOR_HOST: '127.0.0.1', TOR_PORT: '1' }
  const args = [troupe, 'run', 'crawl', 'http://web.test/']
  using program = new Program(process.execPath, args, folder, env)
  const { status, out, err } = await program.ended
  expect([status, out]).toEqual([1, ''])
  expect(err).toContain('through overlay app:tor failed')
})
