import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { installGuard } from '../install.ts'
import { a, containing, inNetwork, type Lab, startLab } from '../testing/lab.ts'
import { isTrustedAddon, trustAddons } from './native-addons.ts'

let folder = ''
let lab: Lab

/**
 * Files of an application, with their contents. None is a native library, so that loading one fails with its own error.
 */
const files = {
  'node_modules/better-sqlite3/package.json': { name: 'better-sqlite3' },
  'node_modules/better-sqlite3/build/addon.node': {},
  'node_modules/sharp/package.json': { name: 'sharp', optionalDependencies: { '@img/sharp-linux-x64': '1.0.0' } },
  'node_modules/@img/sharp-linux-x64/package.json': { name: '@img/sharp-linux-x64' },
  'node_modules/@img/sharp-linux-x64/lib/sharp.node': {},
  'node_modules/@img/other/package.json': { name: '@img/other' },
  'node_modules/@img/other/other.node': {},
  // Under a name that is not its own.
  'node_modules/guest/package.json': { name: 'better-sqlite3' },
  'node_modules/guest/guest.node': {},
  'node_modules/.store/sharp@1/node_modules/sharp/inner.node': {},
  'packages/own/package.json': { name: '@app/own' },
  'packages/own/build/own.node': {},
  'stray.node': {},
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-addons-'))
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), JSON.stringify(content))
  }
  await symlink(join(folder, 'packages/own'), join(folder, 'node_modules/linked'))
  await symlink(join(folder, 'node_modules/guest/guest.node'), join(folder, 'node_modules/better-sqlite3/link.node'))
  lab = await startLab()
})
afterEach(() => {
  trustAddons([])
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await lab[Symbol.asyncDispose]()
})

const isTrusted = (file: string) => isTrustedAddon(join(folder, file))

describe('an addon is trusted', () => {
  it('if its package was named', () => {
    expect(isTrusted('node_modules/better-sqlite3/build/addon.node')).toBe(false)
    trustAddons(['better-sqlite3', '@img/other', '@app/own'])
    expect(isTrusted('node_modules/better-sqlite3/build/addon.node')).toBe(true)
    expect(isTrusted('node_modules/@img/other/other.node')).toBe(true)
    expect(isTrusted('packages/own/build/own.node')).toBe(true)
    expect(isTrusted('node_modules/linked/build/own.node')).toBe(true)
    expect(isTrustedAddon(`file://${folder}/node_modules/@img/other/other.node`)).toBe(true)
  })

  it('if it is the platform binary of a named package', () => {
    trustAddons(['sharp'])
    expect(isTrusted('node_modules/@img/sharp-linux-x64/lib/sharp.node')).toBe(true)
    expect(isTrusted('node_modules/.store/sharp@1/node_modules/sharp/inner.node')).toBe(true)
    expect(isTrusted('node_modules/@img/other/other.node')).toBe(false)
    trustAddons(['@img/sharp-linux-x64'])
    expect(isTrusted('node_modules/@img/sharp-linux-x64/lib/sharp.node')).toBe(true)
  })

  it('by its location, not by its name or a link', () => {
    trustAddons(['better-sqlite3'])
    expect(isTrusted('node_modules/guest/guest.node')).toBe(false)
    expect(isTrusted('node_modules/better-sqlite3/link.node')).toBe(false)
    expect(isTrusted('stray.node')).toBe(false)
    expect(isTrusted('node_modules/better-sqlite3/missing.node')).toBe(false)
    expect(isTrustedAddon(undefined)).toBe(false)
  })
})

it('is loaded in an overlay, and no other is', () => {
  installGuard({ native: ['sharp'] })
  const load = (file: string) => () => inNetwork(a, () => process.dlopen({ exports: {} }, join(folder, file)))
  // It gets as far as the loader of the operating system.
  expect(load('node_modules/@img/sharp-linux-x64/lib/sharp.node')).toThrow(
    expect.objectContaining({ code: 'ERR_DLOPEN_FAILED' }),
  )
  expect(load('node_modules/better-sqlite3/build/addon.node')).toThrow(
    expect.objectContaining({ code: 'EOVERLAY', message: containing('network_service.native') }),
  )
})
