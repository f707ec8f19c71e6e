import { chmodSync, mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { prepareFolder } from './attach-files.ts'

it('a folder that others can enter is refused with the setting that names another one', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-attach-'))
  prepareFolder(folder.path)
  chmodSync(folder.path, 0o755)
  expect(() => {
    prepareFolder(folder.path)
  }).toThrow(
    `${folder.path} must be a folder that only this user can enter: other users can enter it (mode 0755): ` +
      'chmod 700 it, or set another network_service.state_dir',
  )
})
