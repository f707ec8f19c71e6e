/** What hostile code does with messages that are sent later. */
import { expect, it } from 'vitest'
import { processes } from '../index.ts'
import { startApp } from '../test/index.ts'
import { entries, inherit, root, said } from '../testing/hidden-app.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const question = { to: 'ear', topic: 't', payload: 1, time: { in: 3_600_000 }, durable: false, inherit }

it('needs permission for frame values that the kernel did not issue', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe({ name: 'ear' })
  const answers = await probe.run(async () =>
    said(
      ['app:sends'],
      ['sendLater', { ...question, inherit: { ...inherit, values: { admin: true } } }],
      ['sendLater', { ...question, inherit: { ...inherit, trace: 'nonsense' } }],
      ['sendLater', { ...question, inherit: { ...inherit, values: { large: 'x'.repeat(20_000) } } }],
      ['sendLater', question],
    ),
  )
  expect(answers).toEqual([
    expect.stringMatching(/^PermissionDenied: .*process\.context/),
    expect.stringMatching(/^Invalid: invalid inherited context: trace/),
    expect.stringMatching(/^Invalid: the values of a frame weigh at most/),
    expect.stringMatching(/^answered/),
  ])
})

it('counts topics and frame values as memory', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe({ name: 'ear' })
  const payload = new Uint8Array((64 << 20) - 1000)
  const large = 'x'.repeat(2000)
  await probe.run(async () => {
    const answers = await processes.exec('app:inquire', 'app:host', [
      ['sendLater', { ...question, payload, topic: large }],
      ['sendLater', { ...question, payload, inherit: { ...inherit, values: { large } } }],
      ['sendLater', { ...question, payload }],
    ])
    expect(answers).toEqual([
      expect.stringMatching(/^RateLimited: /),
      expect.stringMatching(/^RateLimited: /),
      expect.stringMatching(/^answered/),
    ])
  })
})

it.runIf(canSeal)('in a sealed host, it neither cancels messages of others nor takes their ids', async () => {
  const host = (name: string) => ({
    ...{ id: `app:${name}`, kind: 'process.host', host: { network: 'sealed', spares: 0 } },
    lifecycle: { auto_start: true },
  })
  await using app = await startApp({ root, entries: [...entries, host('sealed'), host('sealed_too')] })
  await using probe = await app.probe({ name: 'ear' })
  await probe.run(async () => {
    const asks = (where: string, ...all: readonly (readonly [string, object])[]) =>
      processes.exec('app:inquire', where, all)
    await processes.sendLater('ear', 'ours', 1, { in: '1s', id: 'nightly' })
    const ids = ['nightly', 'free']
    const own = ids.map((id) => ['sendLater', { ...question, id }] as const)
    expect(await asks('app:sealed', ['cancelLater', { id: 'nightly' }], ...own)).toEqual([
      'answered false',
      ...ids.map((id) => `answered { id: '${id}' }`),
    ])
    expect(await asks('app:sealed_too', ...ids.map((id) => ['cancelLater', { id }] as const))).toEqual([
      'answered false',
      'answered false',
    ])
    await processes.sendLater('ear', 'ours', 1, { in: '1s', id: 'free' })
    // Another process of the host may, as everywhere without policies.
    expect(await asks('app:sealed', ['cancelLater', { id: 'nightly' }])).toEqual(['answered true'])
  })
  await app.clock.advance('1s')
  expect([(await probe.next()).topic, (await probe.next()).topic]).toEqual(['ours', 'ours'])
})

it.runIf(canSeal)('in a sealed host, all its processes together hold as much as one sender', async () => {
  const sealed = { id: 'app:sealed', kind: 'process.host', host: { network: 'sealed', spares: 0 } }
  await using app = await startApp({
    root,
    entries: [...entries, { ...sealed, lifecycle: { auto_start: true } }],
  })
  await using probe = await app.probe({ name: 'ear' })
  const payload = new Uint8Array(40 << 20)
  await probe.run(async () => {
    const send = async () => processes.exec('app:inquire', 'app:sealed', [['sendLater', { ...question, payload }]])
    expect(await send()).toEqual([expect.stringMatching(/^answered/)])
    expect(await send()).toEqual([expect.stringMatching(/^RateLimited: app:sealed has 1 messages/)])
  })
})
