import { chmodSync, linkSync, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensurePrivateDatabase, readPrivateFile } from './private-file.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'troupe-private-'))
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

it('a file of secrets is read, and made private', () => {
  const path = join(folder(), 'key')
  writeFileSync(path, 'the key')
  chmodSync(path, 0o644)
  expect(readPrivateFile(path)).toBe('the key')
  expect(modeOf(path)).toBe('600')
})

it('is never opened through a link, and must be a file', () => {
  const at = folder()
  writeFileSync(join(at, 'elsewhere'), 'of another user')
  symlinkSync(join(at, 'elsewhere'), join(at, 'key'))
  symlinkSync(join(at, 'nothing'), join(at, 'dangling'))
  mkdirSync(join(at, 'folder'))
  for (const name of ['key', 'dangling']) {
    expect(() => readPrivateFile(join(at, name))).toThrow('is a link')
    expect(() => {
      ensurePrivateDatabase(join(at, name))
    }).toThrow('is a link')
  }
  expect(() => readPrivateFile(join(at, 'folder'))).toThrow('is not a regular file')
  expect(() => statSync(join(at, 'nothing'))).toThrow('ENOENT')
})

it('the files that SQLite keeps beside a database may not be links either', () => {
  for (const suffix of ['-wal', '-shm', '-journal']) {
    const at = folder()
    writeFileSync(join(at, 'elsewhere'), '')
    symlinkSync(join(at, 'elsewhere'), join(at, `db${suffix}`))
    expect(() => {
      ensurePrivateDatabase(join(at, 'db'))
    }).toThrow('is a link')
  }
})

it('a database is created for its owner only, in folders that are created', () => {
  const at = folder()
  ensurePrivateDatabase(join(at, 'a/b/db'))
  expect([modeOf(join(at, 'a/b/db')), modeOf(join(at, 'a/b'))]).toEqual(['600', '700'])
  chmodSync(join(at, 'a/b/db'), 0o666)
  linkSync(join(at, 'a/b/db'), join(at, 'same'))
  ensurePrivateDatabase(join(at, 'a/b/db'))
  expect(modeOf(join(at, 'same'))).toBe('600')
})
