import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { funcs, processes, registry } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'

const troupe = import.meta.resolve('troupe')

/** A function that returns its version when the test lets it, and one that returns its library's version. */
const code = (version: number) => `
import { processes } from '${troupe}'
import { text } from './library.ts'
export async function slow() { await processes.call('ear', 'running', null); return ${version} }
export async function fast() { return ${version} + text }
export async function main() { await processes.call('ear', 'running', null); return ${version} }
`

function folder() {
  const root = mkdtempDisposableSync(join(tmpdir(), 'troupe-live-'))
  const write = (version: number) => {
    writeFileSync(join(root.path, 'code.ts'), code(version))
    writeFileSync(join(root.path, 'library.ts'), `export const text = ' and ${version}'\n`)
  }
  write(1)
  return { root: root.path, write, [Symbol.dispose]: () => root.remove() }
}

const entry = (id: string, kind: string, method: string, rest: object = {}): WrittenEntry => ({
  id,
  kind,
  source: 'file://code.ts',
  method,
  ...rest,
})

describe('a function', () => {
  it.each([{}, { pool: 'inline' }])(
    'that is updated is new for new calls (%o), and the running ones finish',
    async (rest) => {
      using files = folder()
      const slow = entry('app:slow', 'function.ts', 'slow', rest)
      const fast = entry('app:fast', 'function.ts', 'fast', rest)
      const host = {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'shared', workers: 1 },
        lifecycle: { auto_start: true },
      }
      await using app = await startApp({ root: files.root, entries: [slow, fast, host] })
      await using probe = await app.probe({ name: 'ear' })
      const running = probe.run(async () => funcs.call('app:slow'))
      const first = await probe.next({ topic: 'running' })
      expect(await funcs.call('app:fast')).toBe('1 and 1')
      files.write(2)
      await registry.apply([slow, fast].map((changed) => ({ op: 'update', entry: changed })))
      expect(await funcs.call('app:fast')).toBe('2 and 2')
      const again = probe.run(async () => funcs.call('app:slow'))
      const second = await probe.next({ topic: 'running' })
      first.reply(null)
      second.reply(null)
      expect(await Promise.all([running, again])).toEqual([1, 2])
      await registry.apply([{ op: 'delete', entry: { id: 'app:fast' } }])
      await expect(funcs.call('app:fast')).rejects.toMatchObject({ kind: 'NotFound' })
    },
  )
})

describe('a program', () => {
  it('that is updated is new for new processes, in threads that ran the old one too', async () => {
    using files = folder()
    const main = entry('app:main', 'process.ts', 'main')
    const host = {
      id: 'app:host',
      kind: 'process.host',
      host: { isolation: 'shared', workers: 1 },
      lifecycle: { auto_start: true },
    }
    await using app = await startApp({ root: files.root, entries: [main, host] })
    await using probe = await app.probe({ name: 'ear' })
    const old = await probe.spawn('app:main', 'app:host')
    const first = await probe.next({ topic: 'running' })
    files.write(2)
    await registry.apply([{ op: 'update', entry: main }])
    const young = await probe.spawn('app:main', 'app:host')
    const second = await probe.next({ topic: 'running' })
    expect(old.split('.')[0]).toBe(young.split('.')[0])
    const exits = [processes.exited(old), processes.exited(young)]
    first.reply(null)
    second.reply(null)
    expect(await Promise.all(exits)).toEqual([{ value: 1 }, { value: 2 }])
  })
})
