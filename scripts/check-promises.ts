/**
 * Checks that the tests that pages name exist: each row of `docs/promises.md` has a test with its title, and files of
 * tests in the security pages are files of the repository.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const promises = 'docs/promises.md'
const pages = ['docs/threat-model.md', 'docs/coverage.md', 'docs/isolation.md']

/** Returns the lines to print: one for each promise without a test, and for each file that does not exist. */
export function promiseFaults(root: string): readonly string[] {
  return [...rowFaults(root), ...pages.flatMap((page) => fileFaults(root, page))]
}

function rowFaults(root: string): readonly string[] {
  const page = join(root, promises)
  if (!existsSync(page)) return []
  const rows = readFileSync(page, 'utf8').matchAll(/^\|(?! ?(?:---|promise))(.+)\|$/gm)
  return Array.from(rows, ([, row = '']) => row).flatMap((row) => {
    const named = [...row.matchAll(/`([\w./-]+\.test\.ts)`: “([^”]+)”/g)]
    if (named.length === 0) return [`${promises}: a promise without a test: ${row.trim()}`]
    return named.flatMap(([, file = '', title = '']) => {
      if (!existsSync(join(root, file))) return [`${promises}: there is no ${file}`]
      return hasTest(readFileSync(join(root, file), 'utf8'), title)
        ? []
        : [`${promises}: ${file} has no test “${title}”`]
    })
  })
}

/** Whether the text of a test file has a test, or a group of tests, with that title. */
function hasTest(text: string, title: string): boolean {
  const escaped = title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`(?:\\b(?:it|test|describe)\\b[^'"\`]*|\\)\\(\\s*)['"\`]${escaped}['"\`]`).test(text)
}

/** A page names a file by its path, or by the end of it. */
function fileFaults(root: string, page: string): readonly string[] {
  if (!existsSync(join(root, page))) return []
  const files = globSync(['{packages,test,scripts}/**/*.test.ts', 'packages/**/*_test.go'], {
    cwd: root,
    exclude: ['**/node_modules/**', '**/dist/**'],
  }).map((file) => `/${file}`)
  const ends = (file: string) => [file, file.replace(/^(\w+)\//, '$1/src/')]
  const named = readFileSync(join(root, page), 'utf8').matchAll(/`([\w./-]+(?:\.test\.ts|_test\.go))`/g)
  return Array.from(named, ([, file = '']) => file)
    .filter((file) => !ends(file).some((end) => files.some((each) => each.endsWith(`/${end}`))))
    .map((file) => `${page}: there is no test ${file}`)
}
