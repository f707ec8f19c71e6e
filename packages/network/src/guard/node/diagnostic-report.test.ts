import net from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installGuard } from '../install.ts'
import { property } from '../../sockets/internals.ts'
import { a, inNetwork, type Lab, listening, startLab } from '../testing/lab.ts'

const server = net.createServer()
let lab: Lab

beforeAll(async () => {
  await listening(server)
  lab = await startLab()
})
afterAll(async () => {
  server.close()
  await lab[Symbol.asyncDispose]()
})

/** The hosts that a report shows: names if it resolved them, else addresses. */
function hosts(): readonly unknown[] {
  const handles = property(process.report.getReport(), 'libuv')
  return (Array.isArray(handles) ? handles : [])
    .map((handle) => property(property(handle, 'localEndpoint'), 'host'))
    .filter((host) => host !== undefined)
}

it('resolves no names in an overlay', () => {
  expect(hosts()).toContain('localhost')
  installGuard()
  expect(inNetwork(null, hosts)).toContain('localhost')
  expect(new Set(inNetwork(a, hosts))).toEqual(new Set(['127.0.0.1']))
  expect(inNetwork(null, hosts)).toContain('localhost')
})

it('keeps the setting of code in the clear network, and cannot be enabled in an overlay', () => {
  const { report } = process
  const isExcluded = (): unknown => Reflect.get(report, 'excludeNetwork')
  const choose = (value: unknown) => Reflect.set(report, 'excludeNetwork', value)
  expect([inNetwork(null, isExcluded), inNetwork(a, isExcluded)]).toEqual([false, true])
  inNetwork(a, () => choose(false))
  expect(inNetwork(a, hosts)).not.toContain('localhost')
  inNetwork(null, () => choose(true))
  expect([inNetwork(null, isExcluded), inNetwork(null, hosts).includes('localhost')]).toEqual([true, false])
  inNetwork(null, () => choose(false))
  expect(inNetwork(null, hosts)).toContain('localhost')
  expect(() => choose('yes')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
})
