/** The words about a new application, with the commands that come next. */
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Created } from './create-application.ts'

export function nextSteps({ folder, files, kept, added }: Created): string {
  const inside = relative(process.cwd(), folder)
  const way = inside.startsWith('..') ? folder : inside
  const manager = managerOf(folder)
  const isNew = kept.length === 0 && added.length === 0 && files.includes('package.json')
  const hints = kept.flatMap((name) => hintsOn(name, folder))
  return [
    titleOf(folder, isNew, files.length + added.length > 0),
    ...files.map((name) => `  ${name}`),
    ...added.map((name) => `  package.json: ${name}`),
    ...(kept.length === 0 ? [] : ['', 'Left as they are:', ...kept.map((name) => `  ${name}`)]),
    ...(hints.length === 0 ? [] : ['', ...hints]),
    '',
    'Next:',
    ...(way === '' ? [] : [`  cd ${quoted(way)}`]),
    `  ${manager} install`,
    `  ${runners[manager]} troupe run hello Ada`,
  ].join('\n')
}

function titleOf(folder: string, isNew: boolean, isAdded: boolean): string {
  if (isNew) return `A new application in ${folder}:`
  return isAdded ? `Added to ${folder}:` : `Nothing was missing in ${folder}.`
}

/** What a file that was left as it is lacks. */
function hintsOn(name: string, folder: string): readonly string[] {
  const has = (words: string) => readFileSync(join(folder, name), 'utf8').includes(words)
  if (name === 'tsconfig.json' && !has('entries.d.ts'))
    return ['tsconfig.json should include entries.d.ts, which "troupe types" writes.']
  if (name === '.gitignore' && !has('.troupe'))
    return ['.gitignore should contain .troupe: state, and keys of networks.']
  return []
}

type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun'

const managers: readonly Manager[] = ['npm', 'pnpm', 'yarn', 'bun']
/** What runs a program of an installed package, on Node. */
const runners: Readonly<Record<Manager, string>> = { npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn', bun: 'npx' }
const lockFiles: Readonly<Record<string, Manager>> = {
  'package-lock.json': 'npm',
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
}

/** The package manager of a project: the one that it names, or has used, or that runs this program. */
function managerOf(folder: string): Manager {
  const manifest = readFileSync(join(folder, 'package.json'), 'utf8')
  const named = /"packageManager"\s*:\s*"(\w+)@/.exec(manifest)?.[1]
  const used = Object.entries(lockFiles).find(([file]) => existsSync(join(folder, file)))?.[1]
  const runs = process.env['npm_config_user_agent']?.split('/')[0]
  return managers.find((manager) => manager === (named ?? used ?? runs)) ?? 'npm'
}

/** As a shell reads it. */
function quoted(path: string): string {
  return /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
