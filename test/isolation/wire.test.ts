/** Hostile processes on the pipe to the kernel: they are ended with a log line, without any other effect. */
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
let app: TestApp
/** The processes that must not be affected. */
let neighbour: string

beforeEach(async () => {
  if (!canSeal) return
  const program = (method: string, file = 'hostile.ts') => ({
    id: `app:${method}`,
    kind: 'process.ts',
    source: `file://${file}`,
    method,
  })
  app = await startApp({
    root: join(import.meta.dirname, '../fixtures/isolation'),
    entries: [
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'process', spares: 0 },
        lifecycle: { auto_start: true },
      },
      program('echo', 'programs.ts'),
      ...['attack', 'confuse', 'garble'].map((method) => program(method)),
    ],
  })
  neighbour = await app.app.run(async () => processes.spawn('app:echo', 'app:host'))
})
afterEach(async () => {
  if (canSeal) await app.stop()
})

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

const ask = async () => app.app.run(async () => processes.call(neighbour, 'x', 1))

when(canSeal)('a process that breaks the protocol', () => {
  it.each(['length', 'nonsense', 'value', 'sparse', 'objects'])('is ended: %s', async (name) => {
    const end = app.app.run(async () => processes.exited(await processes.spawn('app:attack', 'app:host', name, 1)))
    await expect(end).resolves.toMatchObject({
      error: { kind: 'Internal', message: expect.stringContaining('it was ended') as unknown },
    })
    expect(app.log.filter((line) => line.includes('operating-system process, was ended'))).toHaveLength(1)
    expect(await ask()).toBe(1)
  })

  it('is ended, or ignored, whatever it writes', async () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      await app.app.run(async () => {
        const pid = await processes.spawn('app:attack', 'app:host', 'random', seed)
        const end = processes.exited(pid)
        await processes.terminate(pid).catch(() => undefined)
        expect(await end).toHaveProperty('error')
      })
    }
    expect(await ask()).toBe(1)
  })

  it('gains nothing by meaningless messages', async () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      const end = await app.app.run(async () =>
        processes.exited(await processes.spawn('app:confuse', 'app:host', seed, 200)),
      )
      expect('value' in end || 'error' in end).toBe(true)
      expect(await ask()).toBe(1)
    }
  })

  it('is ended by its messages to the program, and ends nothing there', async () => {
    const end = app.app.run(async () => processes.exited(await processes.spawn('app:garble', 'app:host', 50)))
    await expect(end).resolves.toMatchObject({
      error: { message: expect.stringContaining('broke the protocol') as unknown },
    })
    expect(await ask()).toBe(1)
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('has no such processes', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
