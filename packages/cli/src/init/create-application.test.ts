import {
  mkdirSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApplication, nextSteps } from './index.ts'

let place: ReturnType<typeof mkdtempDisposableSync>
beforeEach(() => {
  place = mkdtempDisposableSync(`${tmpdir()}/troupe-create-`)
  vi.stubEnv('npm_config_user_agent', undefined)
})
afterEach(() => {
  place.remove()
  vi.unstubAllEnvs()
})

/** A folder with these files. */
function folderWith(files: Readonly<Record<string, string>>, name = 'app'): string {
  const folder = join(place.path, name)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

const create = (folder: string) => createApplication({ folder, version: '1.2.3' })

describe('an application that is added to a project', () => {
  it('keeps byte order mark, line ends, indent and mode of package.json', () => {
    const folder = folderWith({ 'package.json': '\uFEFF{\r\n\t"name": "mine"\r\n}\r\n' })
    const before = statSync(join(folder, 'package.json')).mode
    expect(create(folder).added).toContain('dependencies.troupe')
    const text = readFileSync(join(folder, 'package.json'), 'utf8')
    expect(text).toMatch(/^\uFEFF\{\r\n\t"name": "mine",\r\n/)
    expect(text.replaceAll('\r\n', '')).not.toContain('\n')
    expect(statSync(join(folder, 'package.json')).mode).toBe(before)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('writes through a link to package.json, and leaves the link', () => {
    const folder = folderWith({ 'real.json': '{}' })
    symlinkSync('real.json', join(folder, 'package.json'))
    create(folder)
    expect(readFileSync(join(folder, 'real.json'), 'utf8')).toContain('"troupe": "1.2.3"')
  })

  it('refuses parts of package.json that are no objects, and leaves everything as it was', () => {
    const folder = folderWith({ 'package.json': '{ "scripts": "x" }' })
    expect(() => create(folder)).toThrow('"scripts" is not an object')
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it.each(['src', 'test'])('leaves nothing behind where %s is a link that leads nowhere', (name) => {
    const folder = folderWith({})
    symlinkSync('nowhere', join(folder, name))
    expect(() => create(folder)).toThrow('ENOENT')
    expect(readdirSync(folder)).toEqual([name])
  })

  it('writes nothing through links', () => {
    const folder = folderWith({})
    symlinkSync('../outside', join(folder, 'tsconfig.json'))
    expect(() => create(folder)).toThrow('EEXIST')
    expect(readdirSync(place.path)).toEqual(['app'])
    expect(readdirSync(folder)).toEqual(['tsconfig.json'])
  })

  it.each([
    ['node_modules', 'node_modules-app'],
    ['troupe', 'troupe-app'],
    ['n'.repeat(240), 'n'.repeat(214)],
    ['日本', 'app'],
  ])('has a name that npm accepts: %s', (name, expected) => {
    const folder = join(place.path, name)
    create(folder)
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).toContain(`"name": "${expected}",`)
  })
})

describe('the next steps', () => {
  it.each([
    [{ 'pnpm-lock.yaml': '' }, ['pnpm install', 'pnpm exec troupe']],
    [{ 'yarn.lock': '' }, ['yarn install', 'yarn troupe']],
    [{ 'bun.lock': '' }, ['bun install', 'npx troupe']],
    [{ 'package.json': '{ "packageManager": "pnpm@9.0.0" }', 'yarn.lock': '' }, ['pnpm install', 'pnpm exec troupe']],
    [{}, ['npm install', 'npx troupe']],
  ])('are those of the package manager of the project: %j', (files, [install = '', run = '']) => {
    const steps = nextSteps(create(folderWith(files)))
    expect(steps).toContain(`\n  ${install}\n  ${run} run hello Ada`)
  })

  it('are those of the package manager that creates a project', () => {
    vi.stubEnv('npm_config_user_agent', 'pnpm/9.1.0 npm/? node/v26.0.0 linux x64')
    expect(nextSteps(create(folderWith({})))).toContain('\n  pnpm install\n')
  })

  it.each([
    ['my app', "/my app'"],
    ["it's", String.raw`/it'\''s'`],
    ['$(id)', "/$(id)'"],
    ['plain-1.0', '/plain-1.0'],
  ])('name the folder as a shell reads it: %s', (name, expected) => {
    const steps = nextSteps(create(join(place.path, name)))
    expect(steps).toMatch(expected.endsWith("'") ? /\n {2}cd '\// : /\n {2}cd \//)
    expect(steps).toContain(`${expected}\n  npm install\n`)
  })

  it('say what files lack that were left, and nothing of files that lack nothing', () => {
    const folder = folderWith({ '.gitignore': 'node_modules\n', 'tsconfig.json': '{}' })
    const steps = nextSteps(create(folder))
    expect(steps).toContain('.gitignore should contain .troupe')
    expect(steps).toContain('tsconfig.json should include entries.d.ts')
    const complete = join(place.path, 'complete')
    create(complete)
    const again = nextSteps(create(complete))
    expect(again).not.toContain('should')
    expect(again).toContain(`Nothing was missing in ${complete}.`)
  })
})
