import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { apt } from './apt.ts'

/** Holds the lock as apt does, by fcntl, until its stdin ends. */
const holder = `
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o640)
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
`

it('waits for another package manager, and fails at once for other reasons', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-apt-'))
  const lists = join(folder.path, 'lists')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  // Without sources, and with its own lists.
  const options = [
    '-o',
    `Dir::State::Lists=${lists}`,
    '-o',
    'Dir::Etc::SourceList=/dev/null',
    '-o',
    'Dir::Etc::SourceParts=/dev/null',
  ]
  const other = spawn('python3', ['-c', holder, join(lists, 'lock')], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  const state = { released: false }
  const updated = apt('update', ...options).then(() => state.released)
  const failed = await apt('install', 'no-such-package-anywhere', ...options).catch((error: unknown) => error)
  expect(failed).toMatchObject({ stderr: expect.stringContaining('Unable to locate package') as string })
  state.released = true
  other.stdin.end()
  expect(await updated).toBe(true)
})
