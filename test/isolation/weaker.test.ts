/** Systems that allow no user namespaces. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const program = fileURLToPath(new URL('weaker-program.ts', import.meta.url))
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')

interface Printed {
  readonly outcome: unknown
  readonly log: readonly string[]
  readonly hostname: string
}

function parsed(text: string): Printed
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

/** Runs the program where no more user namespaces can be created. */
async function weaker(...args: readonly string[]): Promise<Printed> {
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
  const { stdout } = await run('unshare', ['-Ur', 'sh', '-c', script, 'sh', process.execPath, program, ...args])
  return parsed(stdout)
}

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('where there are no user namespaces', () => {
  it('a process of its own has the filter and the permission model, which the log reports once', async () => {
    const { outcome, log, hostname } = await weaker()
    expect(outcome).toMatchObject({ look: { hostname, env: {} }, files: ['ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED'] })
    const lines = log.filter((line) => line.includes('without namespaces'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('user.max_user_namespaces is 0')
  })

  it('does not start where they are required', async () => {
    const { outcome } = await weaker('require')
    expect(outcome).toContain('no namespaces')
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('has no such processes', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
