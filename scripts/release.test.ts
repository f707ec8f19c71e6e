import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { signRelease, verifyRelease } from './release.ts'

it('signs the checksums of the packages', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-release-'))
  writeFileSync(join(folder.path, 'b.tgz'), 'b')
  writeFileSync(join(folder.path, 'a.tgz'), 'a')
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  signRelease(folder.path, privateKey)
  const lines = readFileSync(join(folder.path, 'SHA256SUMS'), 'utf8').split('\n')
  expect(lines.map((line) => line.slice(64))).toEqual(['  a.tgz', '  b.tgz', ''])
  verifyRelease(folder.path, publicKey)
  verifyRelease(folder.path, createPublicKey(readFileSync(join(folder.path, 'release-key.pub.pem'))))
  const other = generateKeyPairSync('ed25519').publicKey
  expect(() => verifyRelease(folder.path, other)).toThrow('not signed by that key')
  writeFileSync(join(folder.path, 'a.tgz'), 'changed')
  expect(() => verifyRelease(folder.path, publicKey)).toThrow('not the checksums')
})
