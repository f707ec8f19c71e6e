/** What the reference takes from the texts of sources and pages: comments, examples, metrics and permissions. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the source that defines a kind of entry, relative to `root`. */
export function sourceOf(root: string, kind: string): string | undefined {
  return sourcesOf(root).find((file) =>
    new RegExp(`defineKind\\(\\{\\s*kind: '${kind}'`).test(readFileSync(join(root, file), 'utf8')),
  )
}

/** Returns the sources of the packages, without tests. */
export function sourcesOf(root: string): readonly string[] {
  const all = globSync('packages/*/src/**/*.ts', { cwd: root }).toSorted()
  return all.filter((file) => !/\.test\.ts$|\/(?:test|testing|fixtures)\//.test(file))
}

/** Returns a comment as one line, without its stars and without its tags. */
export function plain(comment: string): string {
  const [words = ''] = comment.replaceAll(/^\s*\* ?/gm, '').split(/^\s*@(?!default)/m)
  return words
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll('|', '&#124;')
    .replaceAll(/\s+/g, ' ')
    .replace(/[. ]*@default (.+)$/, '. Default: $1')
    .replace(/^\. /, '')
    .trim()
}

/** What the comment of a kind says, and its example; else an example of the repository. */
export function aboutKind(
  root: string,
  file: string,
  kind: string,
): { readonly about: string | undefined; readonly example: string | undefined } {
  const text = readFileSync(join(root, file), 'utf8')
  const definition = new RegExp(
    `/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*export const \\w+ = defineKind\\(\\{\\s*kind: '${kind}'`,
  )
  const [, comment] = definition.exec(text) ?? []
  const [, yaml] = /```yaml\n([^]*?)```/.exec((comment ?? '').replaceAll(/^\s*\* ?/gm, '')) ?? []
  return { about: comment === undefined ? undefined : plain(comment), example: yaml ?? exampleIn(root, kind) }
}

/** The first entry of the kind in an application of the repository, or in a page. */
function exampleIn(root: string, kind: string): string | undefined {
  const applications = globSync('examples/*/src/_index.yaml', { cwd: root }).toSorted()
  const pages = globSync('docs/*.md', { cwd: root }).toSorted()
  for (const file of [...applications, ...pages]) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    const at = lines.findIndex((line) => new RegExp(`\\bkind: ${kind.replaceAll('.', '\\.')}(?![\\w.])`).test(line))
    const start = lines.findLastIndex((line, index) => index <= at && /^\s*- /.test(line))
    const indent = /^\s*/.exec(lines[start] ?? '')?.[0].length ?? 0
    const more = lines.slice(start + 1).findIndex((line) => line.search(/\S/) <= indent)
    if (start < 0 || at - start > 2) continue
    const item = lines.slice(start, more < 0 ? undefined : start + 1 + more)
    return `${item.map((line) => line.slice(indent)).join('\n')}\n`
  }
  return undefined
}

/** Returns the members of a union of texts with their comments. @param union - Its first group is the union. */
export function unionMembers(root: string, file: string, union: RegExp): readonly (readonly [string, string])[] {
  const [, members = ''] = union.exec(readFileSync(join(root, file), 'utf8')) ?? []
  const found = members.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\s*)?\| '([\w-]+)'/g)
  return Array.from(found, ([, about = '', name = '']) => [name, plain(about)])
}

/** Returns the table of permissions in the page about policies, as lines. */
export function permissionTable(root: string): readonly string[] {
  const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
  return /^\| action \|[^]*?(?=\n\n)/m.exec(page)?.[0].split('\n') ?? []
}

/** Returns the actions that sources check by name. */
export function checkedActions(root: string): readonly string[] {
  const call = /\b(?:check|checkTarget|allows)\([^'\n]*'([a-z_]+\.[a-z_.]+)'/g
  const found = sourcesOf(root)
    .filter((file) => /packages\/(?:process|functions|http|troupe)\//.test(file))
    .flatMap((file) => Array.from(readFileSync(join(root, file), 'utf8').matchAll(call), ([, action = '']) => action))
  return [...new Set(found)].toSorted()
}
