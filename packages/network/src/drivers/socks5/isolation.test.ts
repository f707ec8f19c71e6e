import { type Actor, emptyFrame, fork, runInSlot } from '@troupe/core'
import { expect, it } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { rebindThreadNetwork } from '../../overlay/thread-network.ts'
import { isolationLogin } from './isolation.ts'
import type { IsolationRule } from './route.ts'
import { askLogin, granted, isolate, loginTaken, route, target } from './testing/sample.ts'
import { answering, ScriptedProxy } from './testing/scripted-proxy.ts'

const rule = (by: IsolationRule['by'], form: IsolationRule['form'] = 'login'): IsolationRule => ({
  by,
  form,
  seed: 'a secret',
})
const of = (rule: IsolationRule, who = {}, host = 'a.test') =>
  JSON.stringify(isolationLogin(rule, { host, port: 1 }, who))

it('separates actors, processes and destinations, and groups the requests of each', () => {
  for (const form of ['login', 'torS0X'] as const) {
    expect(of(rule('actor', form), { actor: 'a' })).toBe(of(rule('actor', form), { actor: 'a', process: 'p' }))
    expect(of(rule('actor', form), { actor: 'a' })).not.toBe(of(rule('actor', form), { actor: 'b' }))
    expect(of(rule('process', form), { process: 'a' })).toBe(of(rule('process', form), { process: 'a', actor: 'x' }))
    expect(of(rule('process', form), { process: 'a' })).not.toBe(of(rule('process', form), { process: 'b' }))
    expect(of(rule('destination', form))).toBe(of(rule('destination', form), { actor: 'x' }, 'A.test'))
    expect(of(rule('destination', form))).not.toBe(of(rule('destination', form), {}, 'b.test'))
  }
})

it('shares nothing among callers without identity, among connections, and among overlays', () => {
  for (const by of ['actor', 'process', 'connection'] as const) expect(of(rule(by))).not.toBe(of(rule(by)))
  expect(of(rule('actor'), { actor: 'a' })).not.toBe(of({ ...rule('actor'), seed: 'another' }, { actor: 'a' }))
  expect(of(rule('actor'), { actor: 'a' })).not.toBe(of(rule('process'), { process: 'a' }))
})

it('does not reveal the identity', () => {
  expect(of(rule('actor'), { actor: 'carol' })).not.toContain('carol')
})

it('uses Tor’s extended format: no format, isolated by the password', () => {
  expect(isolationLogin(rule('actor', 'torS0X'), target, { actor: 'a' })).toEqual({
    username: '<torS0X>0',
    password: expect.stringMatching(/^[\da-f]{64}$/) as string,
  })
})

it('takes actor and process from the thread’s network, not from the frame, unless the caller sets it', async () => {
  await using proxy = await ScriptedProxy.start(
    answering({ greeting: askLogin, login: loginTaken, reply: granted.ipv4 }),
  )
  const said = async (dialled: () => Promise<{ destroy(): void }>) => {
    proxy.heard.length = 0
    ;(await dialled()).destroy()
    return proxy.heard.slice(3, 6).join(' ')
  }
  const actor = (id: string): Actor => ({ id, meta: {} })
  for (const by of ['actor', 'process'] as const) {
    const way = route(proxy, { isolate: { ...isolate, by } })
    const inside = (id: string) => {
      rebindThreadNetwork({ overlay: way.overlay, isolation: { [by]: id } })
      return said(() =>
        runInSlot({ frame: fork(emptyFrame, { actor: actor('other') }), owner: { pid: 'else' } }, () =>
          dial(way, target),
        ),
      )
    }
    const first = await inside('one')
    expect(await inside('one')).toBe(first)
    expect(await inside('two')).not.toBe(first)
    const asked = await said(() => dial(way, target, { isolation: { [by]: 'one' } }))
    expect(asked).toBe(first)
  }
})
