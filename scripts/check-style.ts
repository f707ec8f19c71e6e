/**
 * What the formatter and the linter do not hold: the length of files, the width of lines, retired and difficult words,
 * and the documentation of exports. What does not keep a rule yet has a budget in `style-budget.json`, which may only
 * shrink: `--write` lowers it to what there is.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { undocumentedExports } from './documented-exports.ts'

const maxLines = 300
const maxWidth = 120

/** Words that named things before the field's own did; in identifiers, comments, texts and pages. */
const retired = [
  'post-?[oO]ffice',
  'parcels?',
  'bonds?',
  'vouch(?:e[ds])?',
  'warrants?',
  'unborn',
  'farewell',
  'rehearsals?',
  'surroundings',
  'errands?',
  'population',
  'retirement',
  'route-?[wW]ord',
  'call-?[bB]oard',
  'seats?',
  'counterpart',
  'shelf',
  'rulebook',
  'backstop',
  'kill-?[sS]witch',
  'afterlife',
  'journey',
  'strangers',
  'births?',
  'consent',
  'objections?',
  'riders?',
  'deeds?',
  'hears',
  'tells',
  'told',
  'nobody',
  'anybody',
  'everybody',
  'whoever',
  'somebody',
  'anew',
  'afresh',
  'for good',
  'goes on',
  'lets? go of',
  'who (?:asks|comes|dials)',
  'beneath',
]

/** Verbs and idioms that are hard to read, archaic or vague; in comments of the packages and in pages. */
const difficult = [
  'says',
  'answers',
  'hence',
  'thence',
  'whence',
  'hitherto',
  'wherein',
  'therein',
  'thereof',
  'thereby',
  'whereby',
  'albeit',
  'notwithstanding',
  'whilst',
  'amongst',
  'lest',
  'ought',
  'shall',
  'upon',
  'likewise',
  'aforementioned',
  'subsequently',
  'prior to',
  'in order to',
  'utili[sz]e[sd]?',
  'leverages?',
  'facilitates?',
  'obviously',
  'of course',
  'simply',
  'easily',
  'seamless(?:ly)?',
  'of ours',
  'for ever',
  'as it were',
  'to be had',
  'means? no good',
  'takes? along',
  'is heard',
  'had no way',
]

/** By rule and subject, how many violations there may be. */
export type Counts = Readonly<Record<string, number>>

export function countViolations(root: string): Counts {
  const sources = globSync(
    ['packages/*/{src,dashboard}/**/*.ts', 'scripts/{,api/}*.ts', 'examples/**/*.ts', 'test/**/*.ts'],
    {
      cwd: root,
      exclude: ignored,
    },
  )
  const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'], {
    cwd: root,
    exclude: ignored,
  })
  const counts = new Map<string, number>()
  const add = (subject: string, count: number) => {
    if (count > 0) counts.set(subject, (counts.get(subject) ?? 0) + count)
  }
  for (const file of sources) {
    if (file.startsWith('scripts/check-style')) continue
    const text = readFileSync(join(root, file), 'utf8')
    const lines = text.split('\n')
    if (lines.length - 1 > maxLines && !file.endsWith('.test.ts')) add(`lines: ${file}`, lines.length - 1)
    const wide = lines.filter((line) => line.length > maxWidth)
    const comments = wide.filter((line) => /^\s*(?:\/\/|\/?\*)/.test(line)).length
    add('width: comments', comments)
    add('width: code', wide.length - comments)
    for (const word of retired) add(`word: ${word}`, occurrences(text, word))
    if (!/^packages\/.*\/src\//.test(file) || /\.test\.ts$|\/(?:test|testing|fixtures)\//.test(file)) continue
    for (const word of difficult) add(`prose: ${word}`, occurrences(proseOf(commentsIn(text)), word))
  }
  for (const file of pages) {
    const prose = withoutBlocks(readFileSync(join(root, file), 'utf8'))
    add(
      'width: pages',
      prose.filter((line) => line.length > maxWidth && !line.startsWith('|') && line.includes(' ')).length,
    )
    for (const word of retired) add(`word: ${word}`, occurrences(prose.join('\n'), word))
    for (const word of difficult) add(`prose: ${word}`, occurrences(proseOf(prose.join('\n')), word))
  }
  for (const name of undocumentedExports(root)) add(`undocumented: ${name}`, 1)
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** A line for each count over its budget, and for each budget that could be lower. */
export function compare(counts: Counts, budget: Counts): readonly string[] {
  const over = Object.entries(counts).flatMap(([subject, count]) => {
    const allowed = budget[subject] ?? 0
    return count > allowed ? [`${subject}: ${count}, and ${allowed} may be`] : []
  })
  const under = Object.entries(budget).flatMap(([subject, allowed]) =>
    (counts[subject] ?? 0) < allowed
      ? [`${subject}: ${counts[subject] ?? 0}, and ${allowed} may be: run npm run style:budget`]
      : [],
  )
  return [...over, ...under]
}

const ignored = [
  '**/node_modules/**',
  '**/dist/**',
  '**/.cache/**',
  'docs/decisions/**',
  'docs/discoveries/**',
  'docs/api/**',
  'CHANGELOG.md',
]

/** As a word of prose, of a name in camelCase or snake_case. */
function occurrences(text: string, word: string): number {
  const capital = word.replace(/^[a-z]/, (first) => first.toUpperCase())
  return text.match(new RegExp(`(?<![A-Za-z])${word}(?![a-z])|(?<![A-Z])${capital}(?![a-z])`, 'g'))?.length ?? 0
}

/** The comments of a source. A comment behind code is left out: a text may contain its slashes. */
function commentsIn(source: string): string {
  return (source.match(/^\s*(?:\/\*\*?(?:(?!\*\/)[^])*\*\/|\/\/.*$)/gm) ?? []).join('\n')
}

/** Without code in backticks, and without the line breaks that a phrase may have. */
function proseOf(text: string): string {
  return text.replaceAll(/`[^`]*`/g, '``').replaceAll(/\s+(?:\* )?(?:\/\/ )?/g, ' ')
}

/** The lines of a page, without its code. */
function withoutBlocks(page: string): readonly string[] {
  return page.replaceAll(/^```[^]*?^```$/gm, '').split('\n')
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  const file = join(root, 'scripts/style-budget.json')
  const counts = countViolations(root)
  if (process.argv.includes('--write')) writeFileSync(file, `${JSON.stringify(counts, undefined, 2)}\n`)
  else {
    const problems = compare(counts, readBudget(file))
    for (const problem of problems) console.error(problem)
    process.exitCode = problems.length === 0 ? 0 : 1
  }
}

function readBudget(file: string): Counts {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof value !== 'object' || value === null) throw new Error(`${file} holds no budget`)
  return Object.fromEntries(Object.entries(value).map(([subject, count]) => [subject, Number(count)]))
}
