/** The lines for Tor's own configuration on the pages, read by Tor. */
import { execFile } from 'node:child_process'
import { globSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { installPeers, programs } from '../peers/install.ts'

const repository = resolve(import.meta.dirname, '../..')
const blocks = globSync('docs/**/*.md', { cwd: repository }).flatMap((page) =>
  Array.from(
    readFileSync(join(repository, page), 'utf8').matchAll(/^```\w*\n# \S*torrc\n([^]*?)^```$/gm),
    ([, text = '']) => [page, text] as const,
  ),
)

/** Runs Tor on these lines alone, with its folders in `folder`. */
async function verify(folder: string, lines: string): Promise<string> {
  const file = join(folder, 'torrc')
  writeFileSync(file, `DataDirectory ${folder}/data\n${lines.replaceAll('/var/lib/tor/', `${folder}/`)}`)
  const argv = ['--defaults-torrc', '/nonexistent', '--ignore-missing-torrc', '--verify-config', '-f', file]
  const { stdout } = await promisify(execFile)(programs.tor.path, argv)
  return stdout
}

beforeAll(async () => installPeers({ tor: programs.tor }))

it('is on a page', () => {
  expect(blocks).not.toEqual([])
})

it.each(blocks)('Tor accepts the lines of %s', async (_page, lines) => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-torrc-'))
  const printed = await verify(folder.path, lines)
  expect(printed).toContain('Configuration was valid')
  expect(printed).not.toMatch(/\[(?:warn|err)\] (?!Tor is running as root|You are running Tor as root)/)
})

it('Tor refuses a line with a mistake', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-torrc-'))
  await expect(verify(folder.path, 'HiddenServicePort 80 127.0.0.1:8377\n')).rejects.toThrow('--verify-config')
})
