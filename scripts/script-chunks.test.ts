import { execFile } from 'node:child_process'
import {
  globSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { makeScripts } from './script-chunks.ts'

const run = promisify(execFile)
const loader = join(import.meta.dirname, '../packages/core/src/script-loader.ts')

let folder: string
let cache: string

beforeEach(() => {
  const made = mkdtempDisposableSync(join(tmpdir(), 'troupe-scripts-'))
  onTestFinished(() => {
    made.remove()
  })
  folder = join(made.path, 'dist')
  cache = join(made.path, 'cache')
  mkdirSync(folder)
  writeFileSync(join(made.path, 'package.json'), '{ "type": "module" }')
})

async function make(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code)
  await makeScripts(folder, Object.keys(files), loader)
}

async function print(file: string): Promise<string> {
  const env = {
    ...process.env,
    NODE_COMPILE_CACHE: cache,
    NODE_V8_COVERAGE: undefined,
    NODE_DISABLE_COMPILE_CACHE: undefined,
  }
  const { stdout } = await run(process.execPath, [join(folder, file)], { env })
  return stdout
}

/** Long enough to be cached. */
const filler = `const filler = "${'x'.repeat(5000)}";\n`

const files = {
  'main.js':
    '#!/usr/bin/env node\n' +
    'import { t as sum, n as later, r as place } from "./shared-sum-AAAA.js";\n' +
    'const { wait } = await import("./shared-wait-CCCC.js");\n' +
    'console.log(sum(1, 2), await later(), await wait(), place(), new Error().stack.match(/main.js:(\\d+)/)[1]);\n',
  'again.js': 'export { t as sum } from "./shared-sum-AAAA.js";\n',
  'shared-sum-AAAA.js':
    'import { t as add } from "./shared-add-BBBB.js";\n' +
    'import tls, { connect } from "node:tls";\n' +
    'const sum = (a, b) => (tls.connect === connect ? add(a, b) : 0);\n' +
    'const later = async () => (await import("./again.js")).sum(3, 4);\n' +
    'const place = () => new URL("./x.js", import.meta.url).href === import.meta.url.replace(/shared.*/, "x.js");\n' +
    'export { later as n, place as r, sum as t };\n',
  'shared-add-BBBB.js': `const add = (a, b) => a + b;\n${filler}export { add as t, filler as z };\n`,
  'shared-wait-CCCC.js':
    'const value = await Promise.resolve("waited");\nconst wait = () => value;\nexport { wait };\n',
}

it('makes scripts, which work like the modules that they were', async () => {
  await make(files)
  expect(await print('main.js')).toBe('3 7 waited true 4\n')
  expect(readFileSync(join(folder, 'shared-sum-AAAA.js'), 'utf8')).toMatch(/^\(function \(/)
  // A script cannot wait.
  expect(readFileSync(join(folder, 'shared-wait-CCCC.js'), 'utf8')).toBe(files['shared-wait-CCCC.js'])
})

it('keeps their compiled code, and does not use a file that is damaged, or that belongs to other code', async () => {
  await make(files)
  const kept = () => globSync('troupe/*/main-shared-add*', { cwd: cache }).map((file) => join(cache, file))
  await print('main.js')
  const [file = ''] = kept()
  expect(kept()).toHaveLength(1)
  const { size, ino } = statSync(file)
  await print('main.js')
  expect(statSync(file).ino).toBe(ino)
  truncateSync(file, size / 2)
  expect(await print('main.js')).toBe('3 7 waited true 4\n')
  expect(statSync(file).size).toBe(size)
  const damaged = readFileSync(file)
  writeFileSync(file, damaged.fill(0, size / 2, size / 2 + 512))
  expect(await print('main.js')).toBe('3 7 waited true 4\n')
  expect(readFileSync(file).equals(damaged)).toBe(false)
  const add = join(folder, 'shared-add-BBBB.js')
  writeFileSync(add, readFileSync(add, 'utf8').replace('a + b', 'a * b'))
  expect(await print('main.js')).toBe('2 12 waited true 4\n')
})

it('refuses to make a script of a module that changes what it exports', async () => {
  await expect(
    make({
      'shared-count-AAAA.js': 'let count = 0;\nconst next = () => (count += 1);\nexport { count as t, next as n };\n',
    }),
  ).rejects.toThrow('exports a variable that changes')
})
