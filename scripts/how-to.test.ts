/** Follows the pages of `docs/how-to`, with the sources in place of the published packages. */
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempDisposableSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Installed, isShown, Reader } from './page-reader.ts'
import { partsOf, type Step } from './page-steps.ts'

const repository = resolve(import.meta.dirname, '..')
const folder = join(repository, 'docs/how-to')
const modules = join(repository, 'node_modules')
const installed: Installed = { modules, program: join(repository, 'packages/cli/src/troupe.ts') }

const printed = z.object({ stdout: z.string() })

function stepsOf(name: string): readonly Step[] {
  return partsOf(readFileSync(join(folder, `${name}.md`), 'utf8')).flatMap(({ steps }) => steps)
}

/** Pages that need peers are followed in `how-to.peers.test.ts`; Next and Nest by `npm run test:frameworks`. */
const alone = ['queue', 'schedule', 'worker-pool', 'tests', 'tenants', 'onion-service']

describe('what a page shows', () => {
  it('is compared with what was printed', () => {
    expect(isShown('a\n…\nb …\n', 'a\n1\n2\nb 3\n')).toBe(true)
    expect(isShown('a', 'a\nb')).toBe(false)
    expect(isShown('1…2', '12')).toBe(true)
    expect(isShown('a.c', 'abc')).toBe(false)
  })
})

describe('the page', () => {
  it.each(alone)('%s can be followed', { timeout: 600_000 }, async (name) => {
    using empty = mkdtempDisposableSync(join(tmpdir(), 'troupe-how-to-'))
    // No page needs Tor to be there.
    await using reader = new Reader(empty.path, installed, { PORT: '0', TOR_PORT: '1' })
    await expect(reader.follow(stepsOf(name))).resolves.toBeUndefined()
  })
})

it('the files of all pages have correct types', { timeout: 600_000 }, async () => {
  using all = mkdtempDisposableSync(join(tmpdir(), 'troupe-how-to-'))
  symlinkSync(modules, join(all.path, 'node_modules'))
  writeFileSync(join(all.path, 'package.json'), '{ "type": "module" }')
  const base = join(repository, 'tsconfig.base.json')
  const compilerOptions = { noEmit: true, composite: false, incremental: false, types: ['node'] }
  writeFileSync(
    join(all.path, 'tsconfig.json'),
    JSON.stringify({ extends: base, compilerOptions, include: ['*/*/*.ts'] }),
  )
  const pages = globSync('*.md', { cwd: folder }).map((file) => basename(file, '.md'))
  const typed = pages.filter((name) => name !== 'next-and-nest')
  for (const [page, steps] of typed.map((name) => [name, stepsOf(name)] as const))
    for (const step of steps) {
      if (!('file' in step) || !step.file.endsWith('.ts')) continue
      const path = join(all.path, page, step.file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, step.text)
    }
  const tsc = join(modules, 'typescript/bin/tsc')
  const argv = [tsc, '--pretty', 'false']
  const said = await promisify(execFile)(process.execPath, argv, { cwd: all.path }).then(
    ({ stdout }) => stdout,
    (error: unknown) => printed.parse(error).stdout,
  )
  // The sources of the packages, which are compiled with them, have a check of their own.
  expect(said.split('\n').filter((line) => /^[\w-]+\/(?:src|test)\//.test(line))).toEqual([])
})

it.each([
  ['docker', 'docker', ['Dockerfile', 'healthcheck.mjs', 'compose.yaml', '.dockerignore']],
  ['systemd', 'deploy/systemd', ['board.service']],
  ['kubernetes', 'deploy/kubernetes', ['board.yaml']],
] as const)('the page %s shows the files of its example', (page, example, files) => {
  const text = readFileSync(join(folder, `${page}.md`), 'utf8')
  for (const file of files) {
    const shown = readFileSync(join(repository, 'examples', example, file), 'utf8')
    expect(text).toMatch(new RegExp(`^\`\`\`\\w*\\n(?:#|//) ${RegExp.escape(`${file}\n${shown}`)}\`\`\`$`, 'm'))
  }
})
