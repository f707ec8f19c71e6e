import { chmodSync, lstatSync, mkdirSync, mkdtempDisposableSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adviceOnWriting, ensurePrivateFolder, privateFolderFault } from './private-folder.ts'

describe('a private folder', () => {
  it('is created, for this user only, and reused', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-'))
    const path = join(folder.path, 'cache')
    expect([ensurePrivateFolder(path), ensurePrivateFolder(path)]).toEqual([true, true])
    expect(lstatSync(path).mode & 0o777).toBe(0o700)
  })

  it('is refused if it is writable for others, a link, or a file that another user created', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-'))
    const at = (name: string) => join(folder.path, name)
    mkdirSync(at('open'))
    chmodSync(at('open'), 0o777)
    mkdirSync(at('target'), { mode: 0o700 })
    symlinkSync(at('target'), at('link'))
    writeFileSync(at('file'), '')
    expect(['open', 'link', 'file'].map((name) => ensurePrivateFolder(at(name)))).toEqual([false, false, false])
  })
  it('says why it is none', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-'))
    const at = (name: string) => join(folder.path, name)
    mkdirSync(at('open'))
    chmodSync(at('open'), 0o755)
    writeFileSync(at('file'), '')
    expect(privateFolderFault(at('new'))).toBeUndefined()
    expect(privateFolderFault(at('open'))).toBe('other users can enter it (mode 0755): chmod 700 it')
    expect(privateFolderFault(at('file'))).toBe('it is not a folder')
    expect(privateFolderFault(at('file/in'))).toBe('a part of its path is not a folder')
  })

  it.each(['EACCES', 'EPERM', 'EROFS'])('comes with advice for a file in it after %s', (code) => {
    const error = Object.assign(new Error('refused'), { code })
    expect(adviceOnWriting(error, 'queue.path')).toContain('choose another file with queue.path')
  })

  it('comes without advice after other errors', () => {
    expect(adviceOnWriting(Object.assign(new Error('full'), { code: 'ENOSPC' }), 'queue.path')).toBe('')
    expect(adviceOnWriting('refused', 'queue.path')).toBe('')
  })
})
