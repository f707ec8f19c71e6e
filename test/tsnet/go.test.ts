/** The sidecar's own tests, in Go: units, and nodes in a tailnet of the Tailscale module's test server. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findGo, readBuildTags } from '@troupe/tsnet/build'
import { expect, it } from 'vitest'

const run = promisify(execFile)
/** The first time, all of tsnet's test server is compiled. */
const compileTimeout = 900_000

it.for(['../../packages/tsnet/sidecar', '../../packages/tsnet/launcher', '../peers/tcontrol'])(
  '%s passes its tests and go vet',
  { timeout: compileTimeout },
  async (folder) => {
    const { program, environment } = await findGo()
    const options = {
      cwd: join(import.meta.dirname, folder),
      env: { ...process.env, ...environment, CGO_ENABLED: '0' },
    }
    // `go test` vets tests as it compiles them, but only with a few of the checks.
    await run(program, ['vet', '-trimpath', '-tags', await readBuildTags(), './...'], options)
    const { stdout } = await run(program, ['test', '-trimpath', '-tags', await readBuildTags(), './...'], options)
    expect(stdout).not.toContain('FAIL')
  },
)
