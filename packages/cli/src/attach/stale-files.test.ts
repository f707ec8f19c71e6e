import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attachFiles } from 'troupe/app'
import { removeStaleFiles } from './stale-files.ts'

/** The id of a process that has ended. */
function ended(): number {
  const { pid } = spawnSync(process.execPath, ['--version'])
  return pid
}

it('removes the files of a process that is gone, unless something listens on its socket', async () => {
  using state = mkdtempDisposableSync(join(tmpdir(), 'troupe-stale-'))
  mkdirSync(join(state.path, 'running'))
  const leave = (pid: number) => {
    const { socket: at, token: secret, dashboard } = attachFiles(state.path, pid)
    const files: readonly string[] = [at, secret, dashboard]
    for (const file of files) writeFileSync(file, '')
    return files
  }
  const [gone, listening, tokenOnly] = [ended(), ended(), ended()]
  const stale = leave(gone)
  const own = leave(process.pid)
  const { socket, token } = attachFiles(state.path, listening)
  writeFileSync(token, '')
  const lone = attachFiles(state.path, tokenOnly).token
  writeFileSync(lone, '')
  const other = join(state.path, 'running', `${gone}.json`)
  writeFileSync(other, '{}')
  await using server = createServer().listen(socket)
  await once(server, 'listening')
  await removeStaleFiles(state.path)
  expect([...stale, lone].filter((file) => existsSync(file))).toEqual([])
  expect([...own, socket, token, other].filter((file) => !existsSync(file))).toEqual([])
})

it('does nothing where no application ever ran', async () => {
  using state = mkdtempDisposableSync(join(tmpdir(), 'troupe-stale-'))
  await expect(removeStaleFiles(state.path)).resolves.toBeUndefined()
})
