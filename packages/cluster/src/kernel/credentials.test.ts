import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readAuthorities, readLogin } from './credentials.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-credentials-'))
})
afterAll(async () => rm(folder, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text, { mode: 0o600 })
  return path
}

it('reads the seed of an NKey, or a JWT', async () => {
  const seed = `SU${'A'.repeat(56)}\n`
  expect(readLogin(await file('seed', seed))).toEqual({ type: 'seed', text: seed })
  const jwt = '-----BEGIN NATS USER JWT-----\nx\n'
  expect(readLogin(await file('jwt', jwt))).toEqual({ type: 'jwt', text: jwt })
  expect(readLogin(undefined)).toEqual({ type: 'none' })
})

it.each([0o640, 0o604, 0o620, 0o644])('refuses a file of secrets that others may open (mode %o)', async (mode) => {
  const path = await file(`open-${mode}`, `SU${'A'.repeat(56)}`)
  await chmod(path, mode)
  expect(() => readLogin(path)).toThrow(`is open to others (mode ${mode.toString(8)}): chmod 600 it`)
  expect((await stat(path)).mode & 0o777).toBe(mode)
})

it('refuses other files, without a word of what is in them', async () => {
  const path = await file('other', 'swordfish')
  expect(() => readLogin(path)).toThrow(/neither the seed of an NKey nor a JWT/)
  expect(() => readLogin(path)).not.toThrow(/swordfish/)
  expect(() => readLogin(join(folder, 'none'))).toThrow(/cluster\.credentials: .*none cannot be read \(ENOENT\)/)
  expect(() => readAuthorities(path)).toThrow(/contains no certificate in PEM/)
  expect(() => readAuthorities(join(folder, 'none'))).toThrow(/cluster\.tls\.ca: .* \(ENOENT\)/)
})
