import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { expect, it, onTestFinished } from 'vitest'
import { keepAddress, keptAddress } from './address-file.ts'

const id = entryId('app:node')

it('is always whole, however many write and read it at the same moment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-address-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  const joined = (name: string) => ({ ok: true as const, ips: ['100.64.0.1'], dns_name: name, tailnet: 'tail.test' })
  const allowed = ['one', 'two'].map((name) => `${name} 100.64.0.1`)
  await keepAddress(id, folder, joined('one'))
  for (let round = 0; round < 200; round += 1) {
    const found = await Promise.all([
      keptAddress(id, folder),
      keepAddress(id, folder, joined('one')),
      keptAddress(id, folder),
      keepAddress(id, folder, joined('two')),
      keptAddress(id, folder),
    ])
    for (const text of found) if (text !== undefined) expect(allowed).toContain(text)
  }
  // No drafts are left.
  expect(await readdir(join(folder, 'tailscale'))).toEqual(['app:node.address'])
})
