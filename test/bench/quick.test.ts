/**
 * Runs each benchmark to its end in its quick form, so that breaks and hangs are noticed. The figures mean nothing
 * here.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The programs that the scripts `bench:*` run, by name. */
function benchmarks(): readonly (readonly [name: string, argv: readonly string[]])[] {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const scripts = isRecord(manifest) && isRecord(manifest['scripts']) ? manifest['scripts'] : {}
  return Object.entries(scripts).flatMap(([name, line]) =>
    name.startsWith('bench:') ? [[name, String(line).split(' ').slice(1)] as const] : [],
  )
}

describe('benchmarks', () => {
  it.each(benchmarks())('%s prints its tables', { timeout: 300_000 }, async (_name, argv) => {
    const { stdout } = await run(process.execPath, [...argv, '--quick'], {
      cwd: root,
      maxBuffer: 2 ** 24,
      timeout: 290_000,
      killSignal: 'SIGKILL',
    })
    const [title, head, ...lines] = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('load of'))
    expect(title).toContain(`Node ${process.version}`)
    expect(head).toMatch(/^what +here/)
    expect(lines.length).toBeGreaterThan(0)
  })
})
