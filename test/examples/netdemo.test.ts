import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'

const folder = resolve(import.meta.dirname, '../../examples/netdemo')

interface Step {
  readonly step: string
  readonly entry: string
  readonly pid: string
  readonly way: string
  readonly result: string
  readonly ok: boolean
}

async function demo(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  using program = new Program(process.execPath, [join(folder, 'start.ts'), ...argv], folder, { ...process.env, ...env })
  return await program.ended
}

async function steps(
  env?: NodeJS.ProcessEnv,
): Promise<{ readonly status: number | null; readonly steps: readonly Step[]; readonly err: string }> {
  const { status, out, err } = await demo(['--json'], env)
  const answer = JSON.parse(out) as { steps: readonly Step[] }
  return { status, steps: answer.steps, err }
}

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern)
const address = String.raw`127\.\d+\.\d+\.\d+:\d+`
const by = (entry: string) => ({ entry, pid: like(/^<\d+\.\d+>$/) })
const netdemo = by('app:netdemo')
const direct = { way: 'direct', result: like(RegExp(`^echo saw ${address}, our own socket$`)), ok: true }
const restarted = { step: 'echo crashes', result: like(/^"crashed on purpose"; the supervisor started \S+$/), ok: true }

/** Without the numbers and the widths that differ from run to run. */
const plain = (text: string) =>
  text
    .trim()
    .replaceAll(/\d+(?:…|\.)?/g, '0')
    .replaceAll(/[ ─0]+/g, ' ')

describe('examples/netdemo', () => {
  it('prints what the README shows', async () => {
    const readme = readFileSync(resolve(folder, '../../README.md'), 'utf8')
    const [, shown = ''] = /^`npm start` prints:\n\n```\n([^]*?)^```$/m.exec(readme) ?? []
    expect(plain((await demo([])).out)).toBe(plain(shown))
  })

  it('shows the route of each request, a restart, and that nothing leaks', async () => {
    const { status, steps: rows, err } = await steps()
    const through = {
      way: like(RegExp(`^through ${address}$`)),
      result: like(RegExp(`^echo saw ${address}, a socket of the proxy$`)),
      ok: true,
    }
    expect(rows).toEqual([
      { step: 'chooses nothing', ...netdemo, ...direct },
      { step: 'spawned with network: app:proxy', ...by('app:chain'), ...through },
      { step: 'spawned by that process, inherits', ...by('app:probe'), ...through },
      { step: 'function that it called, inherits', ...by('app:ask'), ...through },
      { ...by('app:echo'), way: '', ...restarted },
      {
        step: 'the proxy stops; same request',
        ...by('app:chain'),
        way: 'none',
        result: 'Unavailable; echo saw nothing',
        ok: true,
      },
      { step: 'chooses nothing, once more', ...netdemo, ...direct },
    ])
    expect(new Set(rows.slice(0, 4).map((row) => row.pid)).size).toBe(4)
    expect([status, err]).toEqual([0, ''])
  })

  it('is a table for people', async () => {
    const { status, out } = await demo([])
    expect(out).toContain('app:proxy is the embedded SOCKS5 proxy')
    expect(out.match(/^ {2}✓ /gm)).toHaveLength(7)
    expect(out).toContain('7 of 7 steps came out as promised.')
    expect(status).toBe(0)
  })

  it('accepts a real proxy', async () => {
    const { host, port } = inject('peers').microsocks
    const { status, steps: rows } = await steps({ TROUPE_PROXY: `${host}:${port}` })
    const through = { way: `through ${host}:${port}`, result: like(/^echo saw \S+, not our socket \S+$/), ok: true }
    expect(rows).toMatchObject([
      direct,
      through,
      through,
      through,
      restarted,
      { step: 'same request, overlay without a proxy', way: 'none', result: 'Unavailable; echo saw nothing', ok: true },
      direct,
    ])
    expect(status).toBe(0)
  })

  it('accepts Tor, with an echo service that its exits can reach', async () => {
    const { tor, target } = inject('peers')
    const { status, steps: rows } = await steps({
      TROUPE_PROXY: `${tor.socks.host}:${tor.socks.port}`,
      TROUPE_ECHO: `http://web.test:${target.http}/`,
    })
    expect(rows.slice(1, 4)).toMatchObject(
      [1, 2, 3].map(() => ({ way: `through ${tor.socks.host}:${tor.socks.port}`, ok: true })),
    )
    expect(status).toBe(0)
  })

  it('exits with status 1, and the probable cause, when nothing comes through the proxy', async () => {
    const { target } = inject('peers')
    const { status, steps: rows } = await steps({ TROUPE_PROXY: `127.0.0.1:${target.closed}` })
    expect(rows.map(({ ok }) => ok)).toEqual([true, false, true, true, true])
    expect(rows[1]).toMatchObject({ way: 'none', result: like(/^Unavailable: .* name another with TROUPE_ECHO=/) })
    expect(status).toBe(1)
  })

  it('refuses a proxy without a port', async () => {
    const { status, err } = await demo([], { TROUPE_PROXY: 'localhost' })
    expect([status, err]).toEqual([2, 'TROUPE_PROXY is "localhost": expected host:port\n'])
  })
})
