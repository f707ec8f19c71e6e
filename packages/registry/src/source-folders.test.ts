import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { sourceFile, sourceModule } from './schema/fields.ts'
import { defineKind } from './schema/kind.ts'
import { Registry } from './registry.ts'
import { appFolder } from './testing/app-folder.ts'

const kinds = [
  defineKind({ kind: 'code', fields: z.strictObject({ source: sourceModule() }) }),
  defineKind({ kind: 'data', fields: z.strictObject({ source: sourceFile() }) }),
]
const id = entryId('app:x')

function laidOut() {
  const folder = appFolder({ 'app/src/_.yaml': '', 'app/src/in.ts': '', 'shared/out.ts': '', 'app-2/near.ts': '' })
  symlinkSync(join(folder.path, 'shared'), join(folder.path, 'app/src/link'))
  symlinkSync(join(folder.path, 'shared/out.ts'), join(folder.path, 'app/src/linked.ts'))
  symlinkSync(join(folder.path, 'app/src/in.ts'), join(folder.path, 'app/src/inside.ts'))
  return folder
}

async function problemsOf(
  folder: string,
  source: string,
  options: { sourceFolders?: readonly string[]; kind?: string } = {},
) {
  const { kind = 'code', sourceFolders = [] } = options
  writeFileSync(
    join(folder, 'app/src/_.yaml'),
    `namespace: app\nentries: [{ name: x, kind: ${kind}, source: "${source}" }]\n`,
  )
  const registry = new Registry({ kinds, root: join(folder, 'app'), sourceFolders })
  await registry.load(join(folder, 'app/src'))
  return registry.check().map(({ message, place }) => `${place?.line}: ${message}`)
}

it('code must be in the folder of the application, through any dots and links', async () => {
  using folder = laidOut()
  for (const source of [
    'file://in.ts',
    'file://./../src/in.ts',
    'file://inside.ts',
    `file://${folder.path}/app/src/in.ts`,
  ])
    expect(await problemsOf(folder.path, source)).toEqual([])
  for (const source of [
    'file://../../shared/out.ts',
    'file://link/out.ts',
    'file://linked.ts',
    'file://../../app-2/near.ts',
    'file:///etc/hostname',
  ]) {
    const [problem] = await problemsOf(folder.path, source)
    expect(problem).toBe(
      `2: source: ${source} leads out of the application's folder: ` +
        'name the folder in registry.source_folders of the configuration',
    )
  }
})

it('or in a folder of the configuration', async () => {
  using folder = laidOut()
  for (const source of ['file://../../shared/out.ts', 'file://link/out.ts', 'file://linked.ts'])
    expect(await problemsOf(folder.path, source, { sourceFolders: ['../shared'] })).toEqual([])
  expect(await problemsOf(folder.path, 'file:///etc/hostname', { sourceFolders: ['../shared'] })).toHaveLength(1)
  expect(await problemsOf(folder.path, 'file:///etc/hostname', { kind: 'data' })).toEqual([])
})

it('changes are checked, too; entries added by the program are not', async () => {
  using folder = laidOut()
  mkdirSync(join(folder.path, 'app/other'))
  const registry = new Registry({ kinds, root: join(folder.path, 'app'), sourceFolders: [] })
  registry.add({ id, kind: 'code', fields: { source: `file://${folder.path}/shared/out.ts` } })
  expect(registry.check()).toEqual([])
  const create = async (source: string) =>
    registry.apply([{ op: 'create', entry: { id: 'app:y', kind: 'code', source } }], undefined, () => {})
  await expect(create(`file://${folder.path}/shared/out.ts`)).rejects.toThrow("leads out of the application's folder")
  await expect(create('file://src/link/out.ts')).rejects.toThrow("leads out of the application's folder")
  await create('file://src/in.ts')
  await registry.apply([
    { op: 'create', entry: { id: 'app:z', kind: 'code', source: `file://${folder.path}/shared/out.ts` } },
  ])
})
