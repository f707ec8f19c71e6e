import { mkdirSync, mkdtempDisposableSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FolderWatch } from './folder-watch.ts'

/** Changes as they are reported, one at a time. */
function start(root: string) {
  let changed = Promise.withResolvers<void>()
  const seen: string[] = []
  const failures: unknown[] = []
  const watch = new FolderWatch({
    root,
    isOfInterest: (path) => {
      seen.push(path)
      return !path.split('/').includes('node_modules')
    },
    onChange: () => {
      changed.resolve()
      changed = Promise.withResolvers()
    },
    onFailure: (error) => failures.push(error),
  })
  return { seen, failures, next: async () => changed.promise, [Symbol.dispose]: () => watch[Symbol.dispose]() }
}

describe('a watched folder', () => {
  it('reports changes in it and in folders created later, and ignores node_modules', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-watch-'))
    const at = (name: string) => join(folder.path, name)
    mkdirSync(at('node_modules/deep/lib'), { recursive: true })
    mkdirSync(at('src'))
    using watch = start(folder.path)
    const first = watch.next()
    writeFileSync(at('src/one.ts'), '1')
    await first
    const made = watch.next()
    mkdirSync(at('src/later'))
    await made
    const inside = watch.next()
    writeFileSync(at('src/later/two.ts'), '2')
    await inside
    const gone = watch.next()
    rmSync(at('src/later'), { recursive: true })
    await gone
    expect(watch.seen.some((path) => path.startsWith('node_modules/'))).toBe(false)
    expect(watch.failures).toEqual([])
  })
})
