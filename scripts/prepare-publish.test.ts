import { expect, it } from 'vitest'
import { publishedManifest } from './prepare-publish.ts'

it('points a manifest at the built files', () => {
  expect(
    publishedManifest({
      name: '@troupe/core',
      exports: {
        '.': './src/index.ts',
        './test': './src/test/index.ts',
        './package.json': './package.json',
      },
      bin: { troupe: './src/main.ts' },
      files: ['src'],
      scripts: { build: 'tsc -b' },
      dependencies: { zod: '4.0.0' },
      devDependencies: { vitest: '5.0.0' },
    }),
  ).toEqual({
    name: '@troupe/core',
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './test': { types: './dist/test/index.d.ts', default: './dist/test-index.js' },
      './package.json': './package.json',
    },
    bin: { troupe: './dist/main.js' },
    files: ['dist', 'bin'],
    dependencies: { zod: '4.0.0' },
    publishConfig: { access: 'public' },
  })
})
