/** The same measures in Erlang/OTP, where Debian's `erlang-base` is installed: `node test/bench/scale/erlang.ts`. */
import { execFile } from 'node:child_process'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installPeers } from '../../peers/install.ts'

const run = promisify(execFile)
const erlang = {
  erl: { path: '/usr/bin/erl', package: 'erlang-base' },
  erlc: { path: '/usr/bin/erlc', package: 'erlang-base' },
} as const

await installPeers(erlang)
using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-erlang-'))
await run(erlang.erlc.path, ['-o', folder.path, join(import.meta.dirname, 'erlang/bench.erl')])
const { stdout } = await run(erlang.erl.path, ['-noshell', '+P', '2000000', '-pa', folder.path, '-s', 'bench', 'main'])
process.stdout.write(stdout)
