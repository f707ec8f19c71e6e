import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AppFolder, Program } from './app-folder.ts'

describe('a new application', () => {
  it('has no problem, has correct types, and runs', async () => {
    using folder = new AppFolder({})
    expect((await folder.troupe('init', 'fresh')).status).toBe(0)
    expect(await folder.troupe('--root', 'fresh', 'check')).toEqual({
      status: 0,
      signal: null,
      out: '',
      err: '2 entries, no problems\n',
    })
    const types = await new Program(join(folder.path, 'node_modules/.bin/tsc'), [], join(folder.path, 'fresh')).ended
    // Here the packages are sources, and are checked too; installed packages are not.
    expect(types.out.split('\n').filter((line) => line.startsWith('src/'))).toEqual([])
    const { status, out } = await folder.troupe('--root', 'fresh', 'run', 'hello', 'Ada')
    expect(out).toMatch(/^Hello, Ada! I am process \S+\.\n$/)
    expect(status).toBe(0)
  })
})

describe('troupe check', () => {
  it('prints problems with paths relative to the working folder', async () => {
    using folder = new AppFolder({
      'src/_index.yaml': 'namespace: app\nentries:\n  - name: a\n    kind: network.socks5\n    host: h\n    port: 0\n',
    })
    const { status, out, err } = await folder.troupe('check')
    expect(out).toMatch(/^src\/_index\.yaml:6:11: app:a: port: .+\n$/)
    expect([status, err]).toEqual([1, '1 entry, 1 problem\nsee: troupe docs invalid-field\n'])
  })
})
