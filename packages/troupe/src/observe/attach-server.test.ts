import { existsSync, mkdtempDisposableSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attachFiles, boot } from '../app.ts'

it('stops where its files cannot be removed', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-'))
  const start = async () => boot({ root: folder.path, entries: [], attach: true })
  const { socket } = attachFiles(join(folder.path, '.troupe/net'), process.pid)
  const running = join(socket, '..')
  const first = await start()
  expect(existsSync(socket)).toBe(true)
  renameSync(running, `${running}.old`)
  writeFileSync(running, '')
  await first.stop()
  rmSync(running)
  const second = await start()
  expect(existsSync(socket)).toBe(true)
  await second.stop()
  expect(existsSync(socket)).toBe(false)
})
