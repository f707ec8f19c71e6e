/**
 * The attacks of `hostile-protocol.test.ts`, from an operating-system process: by its pipe to the kernel, and by the
 * channel on which it receives connections.
 */
import { join } from 'node:path'
import { newActor } from '@troupe/policy'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processes, security } from './index.ts'
import { startApp, type TestApp } from './test/index.ts'
import { ofProcesses } from './testing/hostile/attacks.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('in a process of its own', () => {
  let app: TestApp
  let victim = ''
  /** The longest time that the loop of this thread was blocked, in milliseconds. */
  let stall = 0
  let watch: NodeJS.Timeout | undefined

  beforeAll(async () => {
    const lifecycle = { auto_start: true }
    app = await startApp({
      root: join(import.meta.dirname, 'testing/hostile'),
      entries: [
        { id: 'app:host', kind: 'process.host', host: { isolation: 'process', spares: 1 }, lifecycle },
        { id: 'app:victims', kind: 'process.host', host: { spares: 0 }, lifecycle },
        { id: 'app:nothing', kind: 'security.policy', effect: 'deny', actions: '*', resources: '*' },
        { id: 'app:sends', kind: 'security.policy', effect: 'allow', actions: 'process.send', resources: '*' },
        ...['honest', 'attack', 'forge'].map((method) => ({
          id: `app:${method}`,
          kind: 'process.ts',
          source: 'file://attacks.ts',
          method,
        })),
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

  const mallory = (policy: string) => processes.withActor(newActor('mallory')).withScope(security.newScope([policy]))
  const honestGoesOn = async () => {
    expect(await processes.call(victim, 'who')).toMatchObject({ actor: undefined })
    expect(stall).toBeLessThan(5000)
  }

  it.each(ofProcesses.ending)('%s ends it, with a line in the log', async (name) => {
    const before = app.log.length
    const exit = mallory('app:nothing').exec('app:attack', 'app:host', name, victim)
    await expect(exit).rejects.toThrow(/was ended|broke the protocol/)
    expect(app.log.slice(before).join('\n')).toMatch(/was ended|broke the protocol/)
    await honestGoesOn()
  })

  it.each(ofProcesses.silent)('%s has no effect on others', async (name) => {
    const outcome = await mallory('app:nothing')
      .exec('app:attack', 'app:host', name, victim)
      .catch((error: unknown) => String(error))
    // The kernel may end it for what it sends, or because it does not read what it is sent.
    expect(outcome).toMatch(/^done$|was ended|broke the protocol/)
    await honestGoesOn()
  })

  it('the frame of a message is what the kernel says, whatever the message claims', async () => {
    const received = await mallory('app:sends').exec('app:forge', 'app:host', victim)
    const mine = { actor: 'mallory', values: {} }
    expect(received).toMatchObject([mine, mine, mine])
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('there are no such processes', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
