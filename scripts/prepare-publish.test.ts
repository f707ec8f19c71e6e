import { expect, it } from 'vitest'
import { publishedManifest } from './prepare-publish.ts'

it('points a manifest at what was built', () => {
  expect(
    publishedManifest({
      name: '@troupe/core',
      exports: { '.': './src/index.ts', './kernel': { default: './src/kernel.ts' }, './package.json': './package.json' },
      bin: { troupe: './src/main.ts' },
      files: ['src'],
      scripts: { build: 'tsc -b' },
      dependencies: { zod: '4.0.0' },
      devDependencies: { vitest: '5.0.0' },
    }),
  ).toEqual({
    name: '@troupe/core',
    exports: { '.': './dist/index.js', './kernel': { default: './dist/kernel.js' }, './package.json': './package.json' },
    bin: { troupe: './dist/main.js' },
    files: ['dist', 'src', 'bin'],
    dependencies: { zod: '4.0.0' },
    publishConfig: { access: 'public' },
  })
})
