/** A token store that several programs use at the same time. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteTokens } from './sqlite-tokens.ts'
import { created } from './testing/shared-program.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('./testing/shared-program.ts', import.meta.url))
const names = ['one', 'two', 'three', 'four']

it('several programs open a new store at once, and each sees the tokens of all, and their revocation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-tokens-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  const file = join(folder, 'tokens.db')
  const printed = await Promise.all(names.map(async (name) => run(process.execPath, [program, file, name])))
  expect(printed.map(({ stdout }) => Number(stdout))).toEqual(names.map(() => created - 1))
  using here = await openSqliteTokens(file, 'app:tokens')
  using there = await openSqliteTokens(file, 'app:tokens')
  expect(here.size).toBe(names.length * (created - 1))
  expect(here.get('one 1')).toMatchObject({ actor: { id: 'one' } })
  there.remove('one 1')
  expect(here.get('one 1')).toBeUndefined()
})
