/** Threads that are started for calls that a command will probably make. */
import { emptyFrame } from '@troupe/core'
import { expect, it } from 'vitest'
import { funcs } from '../funcs.ts'
import { functionEntry, testApp } from '../testing/app.ts'
import { newLock } from '../testing/lock.ts'

async function threadsFor(module: string) {
  const app = await testApp({
    entries: [functionEntry('act', { max: 2 }), functionEntry('idle'), functionEntry('aside', 'inline')],
  })
  app.functions.expect(module, app.kernel.networks.ofCall(emptyFrame, undefined, 'test'))
  const threads = () => app.functions.pools().map(({ entry, threads: count }) => [entry, count])
  return { app, threads, [Symbol.asyncDispose]: async () => app[Symbol.asyncDispose]() }
}

it('starts a thread for the only function that a module names, and the call runs in it', async () => {
  await using given = await threadsFor(`await funcs.call('app:act', 1); spawn('app:main')`)
  expect(given.threads()).toEqual([['app:act', 1]])
  expect(await given.app.run(async () => funcs.call('app:act', 'where', newLock()))).toBeTypeOf('number')
  expect(given.threads()).toEqual([['app:act', 1]])
  given.app.functions.expect(`'app:act'`, given.app.kernel.networks.ofCall(emptyFrame, undefined, 'test'))
  expect(given.threads()).toEqual([['app:act', 1]])
})

it.each([`'app:act' "app:idle"`, `'app:nothing'`, 'app:act', '`app:${name}`', ''])(
  'starts none for a module that names none, or several: %s',
  async (module) => {
    await using given = await threadsFor(module)
    expect(given.threads()).toEqual([])
  },
)

it('starts none for a function that runs in the thread of its caller', async () => {
  await using given = await threadsFor(`'app:aside'`)
  expect(given.threads()).toEqual([['app:aside', 0]])
})
