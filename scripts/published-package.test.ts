import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { faultsOf } from './published-package.ts'
import { publishedSources } from './published-sources.ts'

function folderOf(files: Readonly<Record<string, string>>) {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-published-'))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true })
    writeFileSync(join(folder.path, path), content)
  }
  return folder
}

it('publishes what exports and programs lead to, and nothing else', () => {
  const files = {
    'src/index.ts':
      "import { a } from './a/a.ts'\nimport type { T } from './types.ts'\n" +
      'const worker = new URL(`./worker${ext}`, import.meta.url)',
    'src/a/a.ts': "export * from '../b.ts'\nexport const later = () => import('./later.ts')",
    'src/b.ts': '',
    'src/a/later.ts': "import './own.json' with { type: 'json' }",
    'src/a/own.json': '{}',
    'src/types.ts': 'export type T = 1',
    'src/worker.ts': "import '../../other/src/x.ts'",
    'src/main.ts': '',
    'src/inferred.ts': '',
    'dist/b.d.ts': "export const b: import('./inferred.js').B",
    'src/lab.ts': "import './index.ts'",
    'src/index.test.ts': "import './index.ts'\nimport './lab.ts'",
  }
  using folder = folderOf(files)
  const manifest = {
    exports: { '.': './src/index.ts', './package.json': './package.json' },
    bin: { x: './src/main.ts' },
  }
  expect(publishedSources(folder.path, manifest)).toEqual([
    ...[
      'src/a/a.ts',
      'src/a/later.ts',
      'src/a/own.json',
      'src/b.ts',
      'src/index.ts',
      'src/inferred.ts',
      'src/main.ts',
      'src/types.ts',
      'src/worker.ts',
    ],
  ])
  writeFileSync(join(folder.path, 'src/b.ts'), "import './lab.ts'")
  writeFileSync(join(folder.path, 'src/lab.ts'), "/**\n * import { expect } from 'vitest'\n */\n// from 'vitest'")
  expect(publishedSources(folder.path, manifest)).toContain('src/lab.ts')
  writeFileSync(join(folder.path, 'src/lab.ts'), "import { expect } from 'vitest'")
  expect(() => publishedSources(folder.path, manifest)).toThrow('lab.ts would be published')
})

it('finds types that are any, tests, and undeclared dependencies', () => {
  const good = {
    'package.json': JSON.stringify({
      name: 'p',
      dependencies: { '@scope/used': '1', typed: '1' },
      peerDependencies: { loaded: '1' },
    }),
    'dist/index.js':
      "import x from '@scope/used/deep'\nimport fs from 'node:fs'\nawait import('loaded') // import('commented')\n" +
      "const all = 'https://*.x.test'; (0, node_module.createRequire)($meta.url)('typed') /* import('commented') */",
    'dist/index.d.ts':
      "/** any */\nexport declare const x: import('typed').X | 'any' // any\nexport declare const company: URL",
  }
  using fine = folderOf(good)
  expect(faultsOf(fine.path, [])).toEqual([])
  using wrong = folderOf({
    ...good,
    'package.json': JSON.stringify({ name: 'p', dependencies: { '@scope/used': '1', loaded: '1', idle: '1' } }),
    'dist/own.d.ts': 'export declare const f: (options: object) => /*elided*/ any',
    'dist/lab.js': "import { expect } from 'vitest'\nconst worker = new URL(`./worker${extension}`, import.meta.url)",
    'src/x.test.ts': '',
  })
  expect(faultsOf(wrong.path, ['vitest'])).toEqual([
    'dist/lab.js: there is no ./worker',
    'dist/own.d.ts: a type is any',
    'src/x.test.ts: a test',
    'vitest is used',
    'typed is used and not declared',
    'idle is declared and not used',
  ])
})
