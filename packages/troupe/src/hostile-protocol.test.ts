/** Code that breaks the protocol of its thread: it is ended or ignored, and nothing else is affected. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { join } from 'node:path'
import { newActor } from '@troupe/policy'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processes, security } from './index.ts'
import { startApp, type TestApp } from './test/index.ts'
import { ending, severing, silent } from './testing/hostile/attacks.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const hosts = ['app:guarded', ...(canSeal ? ['app:sealed'] : [])]
const program = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://attacks.ts', method })

let app: TestApp
let victim = ''
/** The longest time that the loop of this thread was blocked, in milliseconds. */
let stall = 0
let watch: NodeJS.Timeout | undefined

beforeAll(async () => {
  app = await startApp({
    root: join(import.meta.dirname, 'testing/hostile'),
    entries: [
      ...hosts.map((id) => ({
        id,
        kind: 'process.host',
        host: {
          network: id === 'app:sealed' ? 'sealed' : 'guarded',
          spares: 0,
          preload: ['app:attack'],
        },
        lifecycle: { auto_start: true },
      })),
      { id: 'app:victims', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
      { id: 'app:nothing', kind: 'security.policy', effect: 'deny', actions: '*', resources: '*' },
      { id: 'app:sends', kind: 'security.policy', effect: 'allow', actions: 'process.send', resources: '*' },
      ...['honest', 'attack', 'forge'].map(program),
    ],
  })
  victim = await processes.spawn('app:honest', 'app:victims')
  let last = performance.now()
  watch = setInterval(() => {
    const now = performance.now()
    stall = Math.max(stall, now - last)
    last = now
  }, 5)
})
afterAll(async () => {
  clearInterval(watch)
  await app.stop()
})

const mallory = (...scope: readonly string[]) =>
  processes.withActor(newActor('mallory')).withScope(security.newScope(scope))

/** Runs the garbage collector: with a fault, collecting the dropped objects would end the program. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  for (let i = 0; i < 3; i += 1) {
    if (typeof gc === 'function') Reflect.apply(gc, undefined, [])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const honestGoesOn = async () => {
  await collect()
  expect(await processes.call(victim, 'who')).toMatchObject({ actor: undefined })
}
const errors = () => app.log.filter((line) => line.includes('broke the protocol')).length

describe.each(hosts)('in %s', (host) => {
  it.each(ending)('%s ends the thread, with a line in the log', async (name) => {
    const before = errors()
    const exit = mallory('app:nothing').exec('app:attack', host, name, victim)
    await expect(exit).rejects.toThrow(/its thread was ended|broke the protocol/)
    expect(errors()).toBe(before + 1)
    await honestGoesOn()
    expect(stall).toBeLessThan(5000)
  })

  it.each(severing)('%s: the sender is ignored from then on', async (name) => {
    const before = errors()
    expect(await mallory('app:nothing').exec('app:attack', host, name, victim)).toBe('done')
    await expect.poll(errors).toBe(before + 1)
    await honestGoesOn()
  })

  it.each(silent)('%s has no effect', async (name) => {
    expect(await mallory('app:nothing').exec('app:attack', host, name, victim)).toBe('done')
    await honestGoesOn()
    expect(stall).toBeLessThan(5000)
  })

  it('the frame of a message is that of the kernel, whatever the message claims', async () => {
    const received = await mallory('app:sends').exec('app:forge', host, victim)
    const mine = { actor: 'mallory', values: {} }
    expect(received).toMatchObject([mine, mine, mine])
    // Code without an actor cannot claim one.
    const free = await processes.exec('app:forge', host, victim)
    expect(free).toMatchObject([{ actor: undefined }, { actor: undefined }, { actor: undefined, values: {} }])
  })
})
