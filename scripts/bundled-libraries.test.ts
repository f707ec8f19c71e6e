import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { externalOf, lazyEntries, libraryName, licencesOf } from './bundled-libraries.ts'

it('bundles packages and what only their devDependencies name, and refuses what no dependency names', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-bundled-'))
  const manifest = {
    name: '@troupe/x',
    dependencies: { real: '1', zod: '1' },
    devDependencies: { own: '1' },
    peerDependencies: { peer: '1', sometimes: '1' },
    peerDependenciesMeta: { sometimes: { optional: true } },
  }
  writeFileSync(join(folder.path, 'package.json'), JSON.stringify(manifest))
  const external = externalOf([folder.path])
  const source = join(folder.path, 'src/a.ts')
  for (const id of ['real', 'real/deep', 'peer', 'node:net']) expect(external(id, source)).toBe(true)
  for (const id of ['node:fs', 'own', 'own/deep', './b.ts', '@troupe/x/app', 'zod'])
    expect(external(id, source)).toBe(false)
  // An application may lack it, and a library of the bundle may not.
  expect(external('sometimes', source)).toBe(true)
  expect(external('sometimes', '/app/node_modules/own/index.js')).toBe(false)
  expect(external('of-own', '/app/node_modules/own/index.js')).toBe(false)
  expect(() => external('missing', source)).toThrow('imports missing, which')
  const texts = ['own', 'real'].map((name) => `lazyModule<typeof X>(() => createRequire(import.meta.url)('${name}'))`)
  expect(lazyEntries(texts, external)).toEqual({ 'later-own': '\0lib:own' })
})

it('collects the licences of the libraries in a bundle', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-bundled-'))
  const library = join(folder.path, 'node_modules/@scope/lib')
  mkdirSync(library, { recursive: true })
  writeFileSync(join(library, 'package.json'), JSON.stringify({ name: '@scope/lib', version: '1.2.3', license: 'MIT' }))
  const module = join(library, 'dist/index.js')
  expect(libraryName(module)).toBe('lib-scope-lib')
  expect(libraryName(join(folder.path, 'src/a.ts'))).toBeNull()
  expect(() => licencesOf([module])).toThrow('@scope/lib contains no licence')
  writeFileSync(join(library, 'LICENSE'), 'Do what you like.')
  expect(licencesOf([module, join(folder.path, 'src/a.ts')])).toBe('==== @scope/lib 1.2.3 (MIT)\n\nDo what you like.\n')
  expect(licencesOf([])).toBeUndefined()
})
