import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempDisposableSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readGivenFile } from './given-file.ts'

it('reads a file, also through a link and by its descriptor, and refuses a named pipe', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-'))
  const at = (name: string) => join(folder.path, name)
  writeFileSync(at('file'), 'text')
  symlinkSync(at('file'), at('link'))
  execFileSync('mkfifo', [at('pipe')])
  symlinkSync(at('pipe'), at('to-pipe'))
  expect([String(readGivenFile(at('file'))), String(readGivenFile(at('link')))]).toEqual(['text', 'text'])
  for (const name of ['pipe', 'to-pipe']) expect(() => readGivenFile(at(name))).toThrow(`${at(name)} is a pipe`)
  expect(() => readGivenFile(at('none'))).toThrow('ENOENT')
  const descriptor = openSync(at('file'), 'r')
  expect(String(readGivenFile(`/dev/fd/${descriptor}`))).toBe('text')
  closeSync(descriptor)
})
