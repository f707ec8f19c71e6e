import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { examplesOf } from './examples.ts'
import { convert } from './pages.ts'

const repository = resolve(import.meta.dirname, '../..')

const compilerOptions = {
  ...{ noEmit: true, composite: false, incremental: false, rewriteRelativeImportExtensions: false },
  ...{ noUnusedLocals: false, noUnusedParameters: false },
}

/** Returns what the compiler prints about files of the folder. */
async function compile(folder: string, number: number, files: object): Promise<string> {
  const config = join(folder, `tsconfig.${number}.json`)
  writeFileSync(config, JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions, ...files }))
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  const argv = [tsc, '--pretty', 'false', '--project', config]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: folder }).catch((error: unknown) => {
    if (typeof error === 'object' && error !== null && 'stdout' in error) return { stdout: String(error.stdout) }
    throw error
  })
  return stdout
}

it('the compiler accepts the examples of all public names', async () => {
  const { project } = await convert()
  const examples = examplesOf(project)
  expect(examples.length).toBeGreaterThan(100)
  const cache = join(repository, '.cache')
  mkdirSync(cache, { recursive: true })
  // Inside the repository, so that the compiler finds the packages.
  using folder = mkdtempDisposableSync(join(cache, 'examples-'))
  cpSync(join(repository, 'scripts/fixtures/examples'), folder.path, { recursive: true })
  for (const [at, { module }] of examples.entries()) writeFileSync(join(folder.path, `${at}.ts`), module)
  // Those that declare the application of the whole program are programs of their own.
  const alone = examples.flatMap(({ code }, at) => (code.includes('declare module') ? [`${at}.ts`] : []))
  const others = { include: ['*.ts'], exclude: alone }
  const said = await Promise.all(
    [others, ...alone.map((file) => ({ files: [file] }))].map((files, at) => compile(folder.path, at, files)),
  )
  const faults = said
    .join('\n')
    .split('\n')
    .flatMap((line) => {
      const [, at = '', rest = ''] = /^(\d+)\.ts(.*)$/.exec(line) ?? []
      return at === '' ? [] : [`${examples[Number(at)]?.name ?? ''}${rest}`]
    })
  expect(faults).toEqual([])
})
