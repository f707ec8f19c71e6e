import { mkdtempDisposableSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { env, log } from '../index.ts'
import { load } from '../app.ts'
import { startApp, type TestApp } from '../test/index.ts'
import { Levels } from './levels.ts'

const root = import.meta.dirname

describe('Levels', () => {
  it('are those of the entry, of the overlay, set by code, and of the configuration, in this order', () => {
    const levels = new Levels({ level: 'warn', entries: { 'app:a': 'debug', 'app:tor': 'silent' } })
    expect(['info', 'warn'].map((level) => levels.isEnabled(level as 'info'))).toEqual([false, true])
    expect(levels.isEnabled('debug', 'app:a', 'app:tor')).toBe(true)
    expect(levels.isEnabled('fatal', 'app:b', 'app:tor')).toBe(false)
    expect(levels.isEnabled('debug', 'toString')).toBe(false)
    levels.set('trace')
    levels.set('error', 'app:a')
    expect([levels.isEnabled('trace'), levels.isEnabled('warn', 'app:a')]).toEqual([true, false])
    levels.set(undefined, 'app:a')
    expect(levels.isEnabled('debug', 'app:a')).toBe(true)
    expect(levels.use({ level: 'warn', entries: { 'app:tor': 'silent', 'app:a': 'debug' } })).toBe(false)
    expect(levels.isEnabled('trace')).toBe(true)
    expect(levels.use({ level: 'error', entries: {} })).toBe(true)
    expect([levels.isEnabled('warn'), levels.isEnabled('error', 'app:a')]).toEqual([false, true])
  })
})

/** Writes a line of each of two levels, and returns those that appeared. */
async function written(app: TestApp): Promise<readonly string[]> {
  const before = app.log.length
  await using running = await app.probe()
  await running.run(async () => {
    log.debug('of a probe')
    log.warn('of a probe')
    // Earlier lines are written before this call returns.
    await env.get('PATH')
  })
  return app.log.slice(before).filter((line) => line.includes('of a probe'))
}

describe('the level of the log', () => {
  it('changes while the application runs, for all or for one entry', async () => {
    await using app = await startApp({ root, entries: [], set: ['log.level=error'] })
    expect(await written(app)).toEqual([])
    app.app.setLogLevel('warn')
    expect(await written(app)).toHaveLength(1)
    expect(() => {
      app.app.setLogLevel('debug', entryId('app:none'))
    }).toThrow('app:none')
    app.app.setLogLevel(undefined)
    expect(await written(app)).toEqual([])
  })

  it('follows its file, which a fault does not change', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-log-'))
    const write = (text: string) => {
      writeFileSync(join(folder.path, 'new'), text)
      renameSync(join(folder.path, 'new'), join(folder.path, '.troupe.yaml'))
    }
    write('log: { level: error }\n')
    const lines: string[] = []
    let look = (): void => undefined
    const until = async (text: string) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      look = () => {
        if (lines.some((line) => line.includes(text))) resolve()
      }
      look()
      await promise
    }
    await using app = await startApp({
      root: folder.path,
      entries: [],
      config: ['.troupe.yaml'],
      onLog: (line) => {
        lines.push(line)
        look()
      },
    })
    expect(await written(app)).toEqual([])
    write('log: { level: debug }\n')
    await until('the levels of the log have changed')
    expect(await written(app)).toHaveLength(2)
    write('log: { level: loud }\n')
    await until('the levels of the log stay as they were')
    expect(await written(app)).toHaveLength(2)
  })

  it('of an entry that does not exist is a problem with its place', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-log-'))
    writeFileSync(join(folder.path, '.troupe.yaml'), 'log:\n  entries:\n    app:onw: debug\n')
    const { problems } = await load({
      root: folder.path,
      config: ['.troupe.yaml'],
      entries: [{ id: 'app:one', kind: 'env.storage.memory' }],
    })
    expect(problems).toEqual([
      expect.objectContaining({
        message: 'log.entries: there is no entry app:onw; did you mean "app:one"?',
        place: expect.objectContaining({ line: 3 }) as unknown,
      }),
    ])
  })
})
