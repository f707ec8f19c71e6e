import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { containing } from '../../guard/testing/lab.ts'
import { KeyFile, keyPath } from './key-file.ts'
import { destination, privateKey } from './testing/sample.ts'

let folder: ReturnType<typeof mkdtempDisposableSync>
let path = ''

beforeEach(() => {
  folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-key-'))
  path = keyPath(join(folder.path, 'net'), 'site')
})
afterEach(() => folder.remove())

const mode = (file: string) => statSync(file).mode & 0o777
const refused = { kind: 'Invalid' }

describe('a kept key', () => {
  it('is in its own file that only the owner can read, complete, and is not overwritten', async () => {
    using file = await KeyFile.hold(path)
    expect(file.read()).toBeUndefined()
    file.write(privateKey())
    expect(file.read()).toBe(privateKey())
    expect([mode(path), mode(dirname(path)), mode(`${path}.lock`)]).toEqual([0o600, 0o700, 0o600])
    expect(() => file.write(privateKey('another'))).toThrow(/EEXIST/)
    expect(file.read()).toBe(privateKey())
    expect(readdirSync(dirname(path)).filter((name) => !name.startsWith('site.lock'))).toEqual(['site'])
  })

  it.each([0o640, 0o604, 0o660, 0o666])('is refused with the mode %o', async (wider) => {
    using file = await KeyFile.hold(path)
    file.write(privateKey())
    chmodSync(path, wider)
    expect(() => file.read()).toThrow(expect.objectContaining({ ...refused, message: containing('chmod 600') }))
  })

  it('is refused in a folder that is open to others, and without a folder or file', async () => {
    mkdirSync(dirname(path), { recursive: true })
    chmodSync(dirname(path), 0o750)
    await expect(KeyFile.hold(path)).rejects.toMatchObject({ ...refused, message: containing('chmod 700') })
    chmodSync(dirname(path), 0o700)
    using file = await KeyFile.hold(path)
    mkdirSync(path)
    expect(() => file.read()).toThrow(expect.objectContaining(refused))
    symlinkSync('/dev/null', join(dirname(path), 'link'))
    using link = await KeyFile.hold(join(dirname(path), 'link'))
    expect(() => link.read()).toThrow(expect.objectContaining(refused))
  })

  it.each([
    ['nothing', ''],
    ['half of one', privateKey().slice(0, 300)],
    ['an address', destination()],
    ['text', 'hello\n'],
  ])('is refused when the file contains %s, and the file is left alone', async (_name, content) => {
    using file = await KeyFile.hold(path)
    writeFileSync(path, content, { mode: 0o600 })
    expect(() => file.read()).toThrow(expect.objectContaining(refused))
    expect(readFileSync(path, 'utf8')).toBe(content)
  })

  it('has one user at a time, here and in other programs, until that releases it or dies', async () => {
    const first = await KeyFile.hold(path)
    await expect(KeyFile.hold(path)).rejects.toMatchObject({ kind: 'AlreadyExists', retryable: true })
    const elsewhere = `import { KeyFile } from ${JSON.stringify(new URL('./key-file.ts', import.meta.url).href)}
      const held = await KeyFile.hold(process.argv[1]).then(() => 'held', ({ kind }) => kind)
      process.stdout.write(held, () => process.kill(process.pid, 'SIGKILL'))`
    // It kills itself, and so ends in an error.
    const other = async () => {
      const { promise, resolve } = Promise.withResolvers<string>()
      execFile(process.execPath, ['--input-type=module', '--eval', elsewhere, path], (_error, printed) =>
        resolve(printed),
      )
      return promise
    }
    expect(await other()).toBe('AlreadyExists')
    first[Symbol.dispose]()
    expect(await other()).toBe('held')
    using second = await KeyFile.hold(path)
    expect(existsSync(second.path)).toBe(false)
  })
})
