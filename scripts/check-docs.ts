/**
 * Checks the pages of the repository: relative links lead to an existing file and heading, paths of sources and tests
 * exist, the numbers of decisions and discoveries are unique, and their two indexes equal those that `--write` writes.
 * The page of diagnostics channels names those that sources publish, and no others. Promises have their tests.
 * The pages of `docs/reference` equal their sources.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { promiseFaults } from './check-promises.ts'

interface Collection {
  readonly folder: string
  readonly title: string
  readonly about: string
}

const collections: readonly Collection[] = [
  {
    folder: 'docs/decisions',
    title: 'Decisions',
    about:
      'Choices that were hard, with their reasons. Numbers are never ' +
      'reused; a missing number was taken back before it was published.',
  },
  {
    folder: 'docs/discoveries',
    title: 'Discoveries',
    about:
      'Facts about Node, npm and peers that surprised us, with how to see them again. ' +
      'Numbers are never reused; a missing number was taken back before it was published.',
  },
]

/** Returns the lines to print, one for each fault under `root`. */
export function faults(root: string): string[] {
  const own = ['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md']
  // VitePress checks the links of the pages that are made from comments.
  const pages = globSync(own, { cwd: root, exclude: ['docs/api/**'] }).toSorted()
  return [
    ...pages.flatMap((page) => [...deadLinks(root, page), ...deadPaths(root, page)]),
    ...collections.flatMap((collection) => indexFaults(root, collection)),
    ...channelFaults(root),
    ...promiseFaults(root),
  ]
}

function deadLinks(root: string, page: string): string[] {
  const text = withoutCode(readFileSync(join(root, page), 'utf8'))
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path = '', heading] = target.split('#')
    const file = path === '' ? page : relative(root, join(root, dirname(page), path))
    if (!existsSync(join(root, file))) return [`${page}: ${target} leads nowhere`]
    if (heading === undefined || !file.endsWith('.md') || headings(join(root, file)).has(heading)) return []
    return [`${page}: ${target}: ${file} has no such heading`]
  })
}

/** Checks paths in inline code: from the root, from `packages/` or from a package. Decisions keep old paths. */
function deadPaths(root: string, page: string): string[] {
  if (/^docs\/(?:decisions|discoveries)\//.test(page)) return []
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
  const own = page.startsWith('packages/') ? '?' : ''
  const path = new RegExp(`\`((?:(?:packages|test|scripts|docs|examples)/|(?:[a-z]+/)${own}src/)[\\w./*-]+)\``, 'g')
  return [...text.matchAll(path)].flatMap(([, target = '']) => {
    const bases = [root, join(root, 'packages'), join(root, dirname(page))]
    return bases.some((cwd) => globSync(target, { cwd }).length > 0) ? [] : [`${page}: there is no ${target}`]
  })
}

const channelPage = 'docs/reference/events.md'

/** Compares the channels of sources with the headings of their page. */
function channelFaults(root: string): string[] {
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).filter(
    (file) => !/\.test\.ts$|\/test(?:ing)?\//.test(file),
  )
  const page = join(root, channelPage)
  const listed = new Set(
    [...(existsSync(page) ? readFileSync(page, 'utf8') : '').matchAll(/^#+ `([^`]+)`$/gm)].map(([, name = '']) => name),
  )
  const published = sources.toSorted().flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    if (!text.includes('diagnostics_channel')) return []
    return [...text.matchAll(/\bchannel\(([^)]*)\)/g)].map(([, given = '']) => ({ file, name: nameOf(text, given) }))
  })
  const known = new Set(published.map(({ name }) => name))
  return [
    ...published.flatMap(({ file, name }) =>
      name === undefined
        ? [`${file}: the name of a diagnostics channel is not a constant of this file`]
        : listed.has(name)
          ? []
          : [`${file}: ${channelPage} has no heading for the channel ${name}`],
    ),
    ...[...listed]
      .filter((name) => !known.has(name))
      .map((name) => `${channelPage}: no source has the channel ${name}`),
  ]
}

/** The text that a literal or a constant of the file stands for. */
function nameOf(text: string, given: string): string | undefined {
  const literal = /^'([^']*)'$/.exec(given.trim())?.[1]
  if (literal !== undefined || !/^\w+$/.test(given.trim())) return literal
  return new RegExp(`const ${given.trim()} = '([^']*)'`).exec(text)?.[1]
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')
}

/** The anchors of a page, as GitHub generates them. */
function headings(file: string): Set<string> {
  const text = readFileSync(file, 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title)))
}

function anchorOf(title: string): string {
  const words = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
  return words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-')
}

function articles(root: string, { folder }: Collection): string[] {
  return globSync(`${folder}/[0-9]*.md`, { cwd: root }).toSorted()
}

function indexFaults(root: string, collection: Collection): string[] {
  const all = articles(root, collection)
  const numbers = all.map((file) => basename(file).slice(0, 4))
  const repeated = [...new Set(numbers.filter((number, at) => numbers.indexOf(number) !== at))]
  const index = join(root, collection.folder, 'README.md')
  const isCurrent = existsSync(index) && readFileSync(index, 'utf8') === indexOf(root, collection)
  return [
    ...repeated.map((number) => `${collection.folder}: two articles have the number ${number}`),
    ...(isCurrent ? [] : [`${collection.folder}/README.md is not current: run "npm run docs:index"`]),
  ]
}

/** The text of a collection's index. */
function indexOf(root: string, collection: Collection): string {
  const lines = articles(root, collection).map((file) => {
    const [, title = ''] = /^# (?:\d+[.:] )?(.+)$/m.exec(readFileSync(join(root, file), 'utf8')) ?? []
    return `- [${basename(file).slice(0, 4)}](${basename(file)}) ${title}`
  })
  return `# ${collection.title}\n\n${collection.about}\n\n${lines.join('\n')}\n`
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  if (process.argv.includes('--write')) {
    for (const collection of collections)
      writeFileSync(join(root, collection.folder, 'README.md'), indexOf(root, collection))
  }
  const { referenceFaults } = await import('./reference.ts')
  const found = [...faults(root), ...(await referenceFaults(root))]
  for (const fault of found) console.error(fault)
  if (found.length > 0) process.exitCode = 1
}
