import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { faults } from './check-docs.ts'

it('finds the problems of pages', () => {
  const root = mkdtempSync(join(tmpdir(), 'troupe-docs-'))
  try {
    const pages = {
      'README.md':
        '# One\n' +
        '[a](docs/a.md) [b](docs/b.md) [c](#one) [d](docs/a.md#a-heading-two) ' +
        '[e](docs/a.md#none) `[f](g.md)` [h](https://a.example/)\n`docs/a.md` `docs/*.md` `scripts/none.ts`\n',
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
      'README.md: there is no scripts/none.ts',
      'docs/decisions: two articles have the number 0001',
      'docs/decisions/README.md is not current: run "npm run docs:index"',
      'docs/discoveries/README.md is not current: run "npm run docs:index"',
    ])
  } finally {
    rmSync(root, { recursive: true })
  }
})

it('finds channels without a heading, and headings without a channel', () => {
  const root = mkdtempSync(join(tmpdir(), 'troupe-channels-'))
  const source = (name: string) => `import { channel } from 'node:diagnostics_channel'\n${name}\n`
  try {
    const files = {
      'docs/decisions/README.md': '',
      'docs/reference/events.md': '# Channels\n## `troupe:known`\n## `troupe:gone`\n',
      'packages/a/src/known.ts': source("const known = channel('troupe:known')"),
      'packages/a/src/new.ts': source("export const name = 'troupe:new'\nconst made = channel(name)"),
      'packages/a/src/made.ts': source('const made = channel(`troupe:${kind}`)'),
      'packages/a/src/it.test.ts': source("channel('troupe:of-a-test')"),
    }
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    expect(faults(root).filter((line) => line.includes('hannel'))).toEqual([
      'packages/a/src/made.ts: the name of a diagnostics channel is not a constant of this file',
      'packages/a/src/new.ts: docs/reference/events.md has no heading for the channel troupe:new',
      'docs/reference/events.md: no source has the channel troupe:gone',
    ])
  } finally {
    rmSync(root, { recursive: true })
  }
})

it('finds no problem in those of the repository', () => {
  expect(faults(resolve(import.meta.dirname, '..'))).toEqual([])
})
