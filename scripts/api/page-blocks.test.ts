/** Checks the code on the pages: the compiler accepts TypeScript, and an application its entries and configuration. */
import { cpSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { load } from 'troupe/app'
import { expect, it, onTestFinished, vi } from 'vitest'
import { compile } from './compile.ts'
import { type Block, blockModule, blocksOf } from './page-blocks.ts'
import { convert } from './pages.ts'

const repository = resolve(import.meta.dirname, '../..')

it('the compiler accepts the TypeScript of all pages', { timeout: 300_000 }, async () => {
  const { project } = await convert()
  const exported = new Map(
    (project.children ?? []).map(({ name, children = [] }) => [name, children.map((each) => each.name)]),
  )
  const cache = join(repository, '.cache')
  mkdirSync(cache, { recursive: true })
  // Inside the repository, so that the compiler finds the packages.
  using folder = mkdtempDisposableSync(join(cache, 'pages-'))
  const blocks = blocksOf('ts', ['README.md', 'docs/*.md']).filter(isAlone)
  expect(blocks.length).toBeGreaterThan(50)
  for (const page of new Set(blocks.map(({ page }) => page)))
    cpSync(join(repository, 'scripts/fixtures/examples'), join(folder.path, page), { recursive: true })
  const paths = blocks.map((block, index) => {
    const path = join(block.page, block.file ?? `block-${index}.ts`)
    mkdirSync(dirname(join(folder.path, path)), { recursive: true })
    writeFileSync(join(folder.path, path), blockModule(block, exported))
    return path
  })
  // A block that declares the application of the whole program is a program of its own.
  const alone = paths.filter((_, index) => blocks[index]?.text.includes('declare module') === true)
  const others = { include: ['**/*.ts'], exclude: alone }
  const printed = await Promise.all(
    [others, ...alone.map((file) => ({ files: [file] }))].map((files, index) => compile(folder.path, index, files)),
  )
  const lines = printed.flatMap((text) => text.split('\n'))
  expect(lines.filter((line) => paths.some((path) => line.startsWith(`${path}(`)))).toEqual([])
})

/**
 * Not those that the types of their application belong to: the first hour is followed and compiled as a whole, as the
 * pages of `docs/how-to` are, and the declarations that `troupe types` writes are output.
 */
function isAlone({ page, text }: Block): boolean {
  return page !== 'first-hour' && !text.startsWith('// Written by "troupe types"')
}

/** What a block may lack because it is a part of an application. */
const partial = new Set(['dangling-reference', 'missing-variable'])

it('entries and configuration of all pages are valid', { timeout: 300_000 }, async () => {
  const blocks = blocksOf('yaml', ['README.md', 'docs/*.md', 'docs/how-to/*.md']).filter(isOfTroupe)
  expect(blocks.length).toBeGreaterThan(40)
  const faults: string[] = []
  // The variable of a page.
  vi.stubEnv('NODE_NAME', 'n1')
  onTestFinished(() => void vi.unstubAllEnvs())
  for (const block of blocks) {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-page-'))
    writeApplication(folder.path, block.text)
    try {
      const { problems } = await load({ root: folder.path })
      for (const { code, message } of problems) if (!partial.has(code)) faults.push(`${block.at}: ${message}`)
    } catch (error) {
      faults.push(`${block.at}: ${String(error)}`)
    }
  }
  expect(faults).toEqual([])
})

/** Not the files of Docker and Kubernetes, and not comments alone. */
function isOfTroupe({ text }: Block): boolean {
  return !/^(?:apiVersion|services):/m.test(text) && text.split('\n').some((line) => /^[^#\s]/.test(line))
}

function writeApplication(folder: string, text: string): void {
  const sources = join(folder, 'src')
  mkdirSync(sources)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const head = 'version: "1.0"\nnamespace: app\nentries:'
  const isList = text.startsWith('- ')
  const isConfig = !isList && !/^entries:/m.test(text)
  if (isConfig) writeFileSync(join(folder, '.troupe.yaml'), text)
  const entries = isList ? `${head}\n${text.replaceAll(/^/gm, '  ')}` : text
  writeFileSync(join(sources, '_index.yaml'), isConfig ? `${head} []\n` : entries)
  for (const [, file = ''] of text.matchAll(/file:\/\/([\w./-]+)/g)) {
    mkdirSync(dirname(join(sources, file)), { recursive: true })
    writeFileSync(join(sources, file), '')
  }
}
