import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { decodePack, packHeaderSize, type PackedModule } from '../../pipe/packed-module.ts'
import { packModules } from './module-pack.ts'

const main = new URL('../../thread/child/main.ts', import.meta.url).href

async function packed(...roots: readonly string[]): Promise<ReadonlyMap<string, PackedModule>> {
  const bytes = Buffer.from(await packModules(roots))
  expect(bytes.readUInt32LE()).toBe(bytes.length - packHeaderSize)
  return new Map(decodePack(bytes.subarray(packHeaderSize).toString()).map((module) => [module.url, module]))
}

it('contains all modules of Troupe that a process imports at its start, as JavaScript', async () => {
  const modules = await packed(main)
  expect(modules.get(main)?.source).not.toContain('import type')
  expect(modules.get(main)?.imports['./kernel-pipe.ts']).toBe(new URL('kernel-pipe.ts', main).href)
  expect([...modules.keys()].filter((url) => url.endsWith('/core/src/index.ts'))).toHaveLength(1)
  // What is imported is there too.
  const missing = [...modules.values()].flatMap(({ imports }) =>
    Object.values(imports).filter((to) => !modules.has(to)),
  )
  expect(missing).toEqual([])
  // The kernel stays out.
  expect([...modules.keys()].filter((url) => url.endsWith('/kernel/kernel.ts'))).toEqual([])
})

it('contains no modules of applications, and none that cannot be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-pack-'))
  try {
    await writeFile(join(folder, 'package.json'), '{ "name": "app" }')
    await writeFile(join(folder, 'driver.js'), 'export const a = 1\n')
    const driver = pathToFileURL(join(folder, 'driver.js')).href
    expect(await packed(driver, new URL('none.ts', main).href, 'data:text/javascript,')).toEqual(new Map())
  } finally {
    await rm(folder, { recursive: true })
  }
})
