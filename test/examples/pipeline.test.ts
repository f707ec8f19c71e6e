import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'

const repository = resolve(import.meta.dirname, '../..')
const folder = join(repository, 'examples/pipeline')
const troupe = join(repository, 'packages/cli/src/troupe.ts')

it('examples/pipeline computes behind an HTTP endpoint', async () => {
  using program = new Program(process.execPath, [troupe, 'run'], folder, { ...process.env, WEB_PORT: '0' })
  await program.says('"entry":"app:web","msg":"Running"')
  const url = `http://127.0.0.1:${program.match(/"app:web","msg":"listens on 127\.0\.0\.1:(\d+)/)}`
  expect(await (await fetch(`${url}/primes/100`)).json()).toEqual({ count: 25, largest: 97 })
  expect((await fetch(`${url}/primes/x`)).status).toBe(400)
  program.kill('SIGTERM')
  expect((await program.ended).status).toBe(0)
})

it.each(['crawler', 'pipeline'])('entries.d.ts of examples/%s is current', async (example) => {
  const file = join(repository, 'examples', example, 'entries.d.ts')
  const args = [troupe, '--root', join(repository, 'examples', example), 'types']
  using program = new Program(process.execPath, args, repository)
  const before = await readFile(file, 'utf8')
  expect((await program.ended).status).toBe(0)
  expect(await readFile(file, 'utf8')).toBe(before)
})
