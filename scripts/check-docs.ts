/**
 * Checks the pages of the repository: relative links lead to an existing file and heading, the numbers of decisions and
 * discoveries are unique, and their two indexes equal those that `--write` writes.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

interface Collection {
  readonly folder: string
  readonly title: string
  readonly about: string
}

const collections: readonly Collection[] = [
  {
    folder: 'docs/decisions',
    title: 'Decisions',
    about: 'Choices that were hard, with their reasons. Numbers are never reused; a missing number was taken back before it was published.',
  },
  {
    folder: 'docs/discoveries',
    title: 'Discoveries',
    about:
      'Facts about Node, npm and peers that surprised us, with how to see them again. Numbers are never reused; a missing number was taken back before it was published.',
  },
]

/** Returns the lines to print, one for each fault under `root`. */
export function faults(root: string): string[] {
  const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'], { cwd: root }).toSorted()
  return [...pages.flatMap((page) => deadLinks(root, page)), ...collections.flatMap((collection) => indexFaults(root, collection))]
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
    for (const collection of collections) writeFileSync(join(root, collection.folder, 'README.md'), indexOf(root, collection))
  }
  const found = faults(root)
  for (const fault of found) console.error(fault)
  if (found.length > 0) process.exitCode = 1
}
