import { processes } from 'troupe'
import { startApp } from 'troupe/test'
import { expect, it } from 'vitest'

const root = `${import.meta.dirname}/fixtures/app`

it('the doorman greets in the lobby', async () => {
  await using app = await startApp({ root })
  await using lobby = await app.probe({ name: 'lobby' })

  await processes.send('app:doorman', 'name', 'world')

  const { payload } = await lobby.next({ topic: 'greeting', timeout: '2s' })
  expect(payload).toBe('hello world')
})

it('the doorman is back five seconds after it failed', async () => {
  await using app = await startApp({ root })

  await processes.send('app:doorman', 'fail', 'no more')
  await app.until('app:doorman', 'Failed')
  expect(app.service('app:doorman').error?.message).toBe('no more')

  await app.clock.advance('5s')
  await app.until('app:doorman', 'Running')
})

it('the spawner of a greeter is notified of its end', async () => {
  await using app = await startApp({ root })
  await using parent = await app.probe()

  const greeter = await parent.spawn('app:greeter', 'app:processes', parent.pid)
  await processes.cancel(greeter)

  const { from, result } = await parent.event('EXIT')
  expect(from).toBe(greeter)
  expect(result).toEqual({ value: undefined })
})
