/** Behaviour of routers in public reports of other projects, reproduced here. */
import { entryId } from '@troupe/core'
import { afterEach, expect, it, vi } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { FakeRouter } from './testing/fake-router.ts'
import { defaultTimeouts } from './route.ts'
import { failure, peer, route } from './testing/sample.ts'
import { answering, ScriptedBridge } from './testing/scripted-bridge.ts'
import { Session } from './session.ts'

const stack: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of stack.splice(0).toReversed()) await each[Symbol.asyncDispose]()
})
function keep<T extends AsyncDisposable>(each: T): T {
  stack.push(each)
  return each
}

it('reports the reply of a router that replies to a dial as to a session request (PurpleI2P/i2pd#1319)', async () => {
  const bridge = keep(
    await ScriptedBridge.start(answering({ 'STREAM CONNECT': 'SESSION STATUS RESULT=INVALID_KEY\n' })),
  )
  expect(await failure(dial(route(bridge), peer))).toMatchObject({
    kind: 'Unavailable',
    details: { replyCode: 'INVALID_KEY' },
  })
})

it('uses a session until it is gone, though its connection is broken unnoticed (PurpleI2P/i2pd#826)', async () => {
  const router = keep(await FakeRouter.start())
  const session = keep(
    new Session({
      overlay: entryId('app:eep'),
      role: 'dial',
      bridge: { host: '127.0.0.1', port: router.port },
      prefix: 'test',
      signatureType: 7,
      options: {},
      timeouts: defaultTimeouts,
      log: () => undefined,
      delays: { initial: 1, max: 10 },
      watch: { second: 20, usual: 20, least: 1 },
    }),
  )
  const address = await session.standing()
  const states: string[] = []
  session.onChange(() => states.push(session.state))
  // The connection ends for the client, but not for the router.
  router.forgetful = true
  router.sessions.get(session.id)?.control.destroy()
  await vi.waitFor(() => expect(states.slice(0, 2)).toEqual(['down', 'up']), { timeout: 120_000 })
  expect(session.address).toBe(address)
  // The router notices the end.
  router.forgetful = false
  router.sessions.delete(session.id)
  await vi.waitFor(() => expect(session.address).not.toBe(address), { timeout: 120_000 })
  await vi.waitFor(() => expect(session.state).toBe('up'), { timeout: 120_000 })
})
