/** `troupe docs [word]`: prints the reference, which is a part of the package. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { didYouMean } from '@troupe/registry'
import type { CommonOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'

/** The pages: beside the published code, or in the repository. */
const folder = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '../../../../docs/reference')
  : fileURLToPath(new URL('../../reference/', import.meta.url))

/** A part of a page under a heading. */
interface Section {
  /** The name of the page, such as `entries`. */
  readonly page: string
  /** Without its marks. */
  readonly title: string
  /** The words by which it is found: its title, that of a command also the command; a page by its name. */
  readonly names: readonly string[]
  readonly text: string
}

/** A row of a table, by the title of the section that it is in. */
interface Row {
  readonly page: string
  readonly section: string
  /** The words by which it is found. */
  readonly names: readonly string[]
  /** By column. */
  readonly cells: Readonly<Record<string, string>>
}

type Part = Section | Row

/** Maximum number of sections that are named because they mention a word. */
const mostMentions = 8

/** Prints what the reference has about a word; without one, which words there are. */
export function docs(options: CommonOptions & { readonly word: string | undefined }, terminal: Terminal): number {
  const sections = readSections()
  const rows = sections.flatMap(rowsOf)
  const { word } = options
  if (word === undefined) {
    terminal.out(options.json ? JSON.stringify(titlesByPage(sections), undefined, 2) : overview(sections))
    return 0
  }
  const parts: readonly Part[] = [...sections, ...rows]
  const found = partsFor(word, parts)
  if (found.length === 0) {
    const names = parts.flatMap((part) => part.names)
    const mentions = mentionsOf(word, sections)
    const advice = mentions === '' ? didYouMean(word, names) : mentions
    terminal.err(`troupe: the reference has no "${word}"${advice}\n"troupe docs" lists what it has.`)
    return 1
  }
  if (options.json) terminal.out(JSON.stringify(found.map(documentOf), undefined, 2))
  else terminal.out(found.map((part) => ('text' in part ? part.text : textOf(part))).join('\n\n'))
  return 0
}

/** How a word may name a part, from the strictest: the first one by which anything is found counts. */
const ways: readonly ((name: string, word: string) => boolean)[] = [
  (name, word) => name === word,
  (name, word) => lower(name) === lower(word),
  // `socks5` is `network.socks5`, and `tailscale` is `network.tailscale`.
  (name, word) => lower(name.slice(name.lastIndexOf('.') + 1)) === lower(word),
]

function partsFor(word: string, parts: readonly Part[]): readonly Part[] {
  for (const isNamed of ways) {
    const found = parts.filter(({ names }) => names.some((name) => isNamed(name, word)))
    if (found.length > 0) return found
  }
  return []
}

/** The titles of the sections in whose text a word occurs. */
function mentionsOf(word: string, sections: readonly Section[]): string {
  const isMentioned = new RegExp(`(?<!\\w)${RegExp.escape(word)}(?!\\w)`, 'i')
  const titles = sections.filter(({ text }) => isMentioned.test(text)).map(({ title }) => `"${title}"`)
  return titles.length === 0 ? '' : `; it occurs under ${[...new Set(titles)].slice(0, mostMentions).join(', ')}`
}

function documentOf(part: Part): unknown {
  if (!('text' in part)) return part
  const { page, title, text } = part
  return { page, title, text }
}

function lower(text: string): string {
  return text.toLowerCase()
}

function readSections(): readonly Section[] {
  return readdirSync(folder)
    .filter((name) => name !== 'README.md')
    .toSorted()
    .flatMap((name) => {
      const page = basename(name, '.md')
      const parts = readFileSync(join(folder, name), 'utf8').split(/^(?=#{1,3} )/m)
      return parts.map((text) => {
        const title = titleOf(text)
        return { page, title, names: sectionNames(page, title, text), text: text.trim() }
      })
    })
}

function titleOf(text: string): string {
  return plain(/^#+ (.+)$/m.exec(text)?.[1] ?? '')
}

function sectionNames(page: string, title: string, text: string): readonly string[] {
  if (text.startsWith('# ')) return [page]
  const commands = page === 'cli' ? Array.from(text.matchAll(/`troupe\s([\w-]+)`/g), ([, name = '']) => name) : []
  return [title, ...commands]
}

function rowsOf({ page, title, text }: Section): readonly Row[] {
  const [header, , ...rows] = text.split('\n').filter((line) => line.startsWith('|'))
  if (header === undefined) return []
  const columns = cellsOf(header)
  return rows.map((row) => {
    const cells = cellsOf(row)
    const shown = columns.map((column, at): [string, string] => [column, plain(cells[at] ?? '')])
    return { page, section: title, names: namesOf(cells[0] ?? ''), cells: Object.fromEntries(shown) }
  })
}

function cellsOf(row: string): readonly string[] {
  return row
    .slice(1, -1)
    .split(/ ?\| ?/)
    .map((cell) => cell.trim())
}

/** The words of a first cell: `process.send`, and what follows it as `.monitor`; the last part of a path of fields. */
function namesOf(cell: string): readonly string[] {
  let area = ''
  const names = Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => {
    const full = name.startsWith('.') ? `${area}${name}` : name
    if (full.includes('.')) area = full.slice(0, full.lastIndexOf('.'))
    return full
  })
  const [only = ''] = names
  return names.length === 1 ? [...new Set([only, only.slice(only.lastIndexOf('.') + 1)])] : names
}

function textOf({ section, cells }: Row): string {
  const lines = Object.entries(cells).filter(([, value]) => value !== '')
  return [section, ...lines.map(([column, value]) => `  ${column}: ${value}`)].join('\n')
}

function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '')
    .replaceAll('&#124;', '|')
}

function titlesByPage(sections: readonly Section[]): Readonly<Record<string, readonly string[]>> {
  const pages = [...new Set(sections.map(({ page }) => page))]
  return Object.fromEntries(
    pages.map((page) => [
      page,
      sections
        .filter((each) => each.page === page)
        .slice(1)
        .map(({ title }) => title),
    ]),
  )
}

function overview(sections: readonly Section[]): string {
  const lines = Object.entries(titlesByPage(sections)).map(([page, titles]) => {
    const words = titles.filter((title) => !title.startsWith('troupe ')).join(', ')
    return words === '' ? page : `${page}: ${words}`
  })
  return `troupe docs WORD prints a page, a section of it, or what a table has about a word.\n\n${lines.join('\n')}`
}
