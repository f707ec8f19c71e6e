import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, violations } from './check-direction.ts'

const core = {
  'packages/core/package.json': JSON.stringify({ name: '@troupe/core', exports: { '.': './src/index.ts' } }),
}
const network = {
  'packages/network/package.json': JSON.stringify({
    name: '@troupe/network',
    exports: { '.': './src/index.ts', './kernel': './src/kernel.ts' },
    dependencies: { '@troupe/core': '1.0.0' },
  }),
}

function check(files: Record<string, string>): string[] {
  using root = mkdtempDisposableSync(join(tmpdir(), 'direction-'))
  for (const [file, text] of Object.entries({ ...core, ...network, ...files })) {
    mkdirSync(join(root.path, dirname(file)), { recursive: true })
    writeFileSync(join(root.path, file), text)
  }
  return violations(root.path)
}

describe('violations', () => {
  it('finds none if packages use lower floors', () => {
    expect(
      check({
        'packages/network/src/index.ts':
          "import { id } from '@troupe/core'\nimport { join } from 'node:path'\nexport * from './kernel.ts'\n",
        'packages/network/src/kernel.ts': 'export const a = 1\n',
        'test/package.json': JSON.stringify({ name: '@troupe/test', dependencies: { '@troupe/network': '1.0.0' } }),
        'test/a.test.ts': "import { a } from '@troupe/network/kernel'\n",
      }),
    ).toEqual([])
  })

  it('finds cycles, types included', () => {
    const files = {
      'packages/core/src/a.ts': "import type { B } from './b.ts'\nimport { d } from './d.ts'\n",
      'packages/core/src/b.ts': "import { c } from './c.ts'\n",
      'packages/core/src/c.ts': "export * from './a.ts'\n",
      'packages/core/src/d.ts': 'export const d = 1\n',
    }
    expect(check(files)).toEqual([
      '@troupe/core: a circle of imports: packages/core/src/a.ts, packages/core/src/b.ts, packages/core/src/c.ts',
    ])
    expect(check({ ...files, 'packages/core/src/c.ts': "import { d } from './d.ts'\n" })).toEqual([])
  })

  it('finds an import of an upper floor, types included', () => {
    expect(check({ 'packages/core/src/index.ts': "\nimport type { Route } from '@troupe/network'\n" })).toEqual([
      'packages/core/src/index.ts:2: @troupe/core imports @troupe/network, which is not on a floor below',
    ])
  })

  it('finds concepts of the floors above in the package of processes, not in its tests', () => {
    const manifest = JSON.stringify({ name: '@troupe/process', exports: {} })
    const files = {
      'packages/process/package.json': manifest,
      'packages/process/src/a.ts': '/** See https://www.erlang.org. */\nexport const a = 1\n',
      'packages/process/src/a.test.ts': '// A pool.\n',
      'packages/process/src/testing/b.ts': 'export const token = 1\n',
    }
    expect(check(files)).toEqual([])
    expect(check({ ...files, 'packages/process/src/a.ts': 'export const a = { openLane: 1, pool: 2 }\n' })).toEqual([
      'packages/process/src/a.ts:1: "pool" belongs to a floor above @troupe/process',
    ])
  })

  it('finds an import past the exports, by name and by path', () => {
    expect(
      check({
        'packages/network/src/index.ts': "import '@troupe/core/src/id.ts'\nexport { id } from '../../core/src/id.ts'\n",
      }),
    ).toEqual([
      'packages/network/src/index.ts:1: @troupe/core/src/id.ts is not among the exports of @troupe/core',
      'packages/network/src/index.ts:2: ../../core/src/id.ts reaches ' +
        'out of @troupe/network; import the other package by its name',
    ])
  })

  it('finds a dependency on an upper floor, and on an application', () => {
    const manifest = JSON.stringify({
      name: '@troupe/core',
      exports: {},
      devDependencies: { '@troupe/network': '1', '@troupe/test': '1' },
    })
    expect(
      check({ 'packages/core/package.json': manifest, 'test/package.json': JSON.stringify({ name: '@troupe/test' }) }),
    ).toEqual([
      'packages/core/package.json: @troupe/core depends on @troupe/network, which is not on a floor below',
      'packages/core/package.json: @troupe/core depends on @troupe/test, which is not on a floor below',
    ])
  })

  it('finds a package without a floor', () => {
    expect(check({ 'packages/attic/package.json': JSON.stringify({ name: '@troupe/attic' }) })).toEqual([
      'packages/attic/package.json: @troupe/attic stands on no floor; give it one in scripts/check-direction.ts',
    ])
  })
})

describe('importsOf', () => {
  it('reads every form of import and skips comments', () => {
    const source = [
      "import a from 'a'",
      'import {',
      '  b,',
      "} from 'b'",
      "import 'c'",
      "export * from 'd'",
      "export type { E } from 'e'",
      "const f = await import('f')",
      " * import { g } from 'g'",
      "export const h = 'h'",
      'export function from(text: string): string {',
      "  return 'i'",
      '}',
    ].join('\n')
    expect(importsOf(source)).toEqual([
      { specifier: 'a', line: 1 },
      { specifier: 'b', line: 2 },
      { specifier: 'c', line: 5 },
      { specifier: 'd', line: 6 },
      { specifier: 'e', line: 7 },
      { specifier: 'f', line: 8 },
    ])
  })
})
