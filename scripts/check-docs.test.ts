import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { faults } from './check-docs.ts'

it('finds what is wrong with the pages', () => {
  const root = mkdtempSync(join(tmpdir(), 'troupe-docs-'))
  try {
    const pages = {
      'README.md':
        '# One\n[a](docs/a.md) [b](docs/b.md) [c](#one) [d](docs/a.md#a-heading-two) [e](docs/a.md#none) `[f](g.md)` [h](https://a.example/)\n',
      'docs/a.md': '# A heading, `two`\n```\n[x](y.md)\n```\n',
      'docs/decisions/0001-a.md': '# 1. First\n',
      'docs/decisions/0001-b.md': '# Second\n',
      'docs/decisions/README.md': 'old\n',
    }
    for (const [page, text] of Object.entries(pages)) {
      mkdirSync(dirname(join(root, page)), { recursive: true })
      writeFileSync(join(root, page), text)
    }
    expect(faults(root)).toEqual([
      'README.md: docs/b.md leads nowhere',
      'README.md: docs/a.md#none: docs/a.md has no such heading',
      'docs/decisions: two articles have the number 0001',
      'docs/decisions/README.md is not current: run "npm run docs:index"',
      'docs/discoveries/README.md is not current: run "npm run docs:index"',
    ])
  } finally {
    rmSync(root, { recursive: true })
  }
})

it('finds nothing wrong with those of the repository', () => {
  expect(faults(resolve(import.meta.dirname, '..'))).toEqual([])
})
