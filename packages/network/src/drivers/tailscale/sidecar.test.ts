import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TroupeError } from '@troupe/core'
import { describe, expect, it, vi } from 'vitest'
import { done } from './sidecar-messages.ts'
import { Sidecar, type SidecarOptions } from './sidecar.ts'
import { HandClock, ScriptedSidecar } from './testing/scripted-sidecar.ts'

const tenant = { node: 'app:tailnet#1', onEvent: () => undefined }
const delays = { initial: 250, max: 1000 }
const well = 'ready(); requests((request, answer) => answer({ ok: true }))'

function sidecarOf({ program }: ScriptedSidecar, options: Partial<SidecarOptions> = {}): Sidecar {
  return new Sidecar({ program: async () => Promise.resolve(program), delays, ...options })
}

describe('the sidecar', () => {
  it('is started for the first node, with the same socket path each time, and ends with the last node', async () => {
    await using scripted = await ScriptedSidecar.write(well)
    const sidecar = sidecarOf(scripted)
    expect(sidecar.pid).toBeUndefined()
    const other = { ...tenant, node: 'app:other#1' }
    sidecar.enter(tenant)
    sidecar.enter(other)
    const process = await sidecar.process()
    const { socket } = sidecar
    expect(process.socket).toBe(socket)
    await sidecar.leave(other)
    expect(await sidecar.process()).toBe(process)
    await sidecar.leave(tenant)
    expect(await process.ended).toBe('with code 0')
    expect(existsSync(dirname(socket))).toBe(false)
    sidecar.enter(tenant)
    expect((await sidecar.process()).pid).not.toBe(process.pid)
    await sidecar.leave(tenant)
  })

  it('is restarted when it dies, with growing delays, and at once after it has run for a while', async () => {
    await using scripted = await ScriptedSidecar.write(well)
    const clock = new HandClock()
    const sidecar = sidecarOf(scripted, { clock, stable: 10_000 })
    sidecar.enter(tenant)
    const { socket } = sidecar
    for (const delay of [250, 500, 1000, 1000]) {
      await dies(sidecar)
      await vi.waitUntil(() => clock.waits.includes(delay))
      clock.advance(delay)
    }
    await sidecar.process()
    expect(sidecar.socket).toBe(socket)
    clock.advance(10_000)
    await dies(sidecar)
    await vi.waitUntil(() => clock.waits.includes(250))
    await sidecar.leave(tenant)
    expect(clock.waits).toEqual([])
  })

  it('reports why it does not start, and is retried', async () => {
    await using scripted = await ScriptedSidecar.write(
      `if (!existsSync(folder + '/tried')) { writeFileSync(folder + ` +
        `'/tried', ''); console.error('no luck'); process.exit(3) } ${well}`,
    )
    const clock = new HandClock()
    const sidecar = sidecarOf(scripted, { clock })
    sidecar.enter(tenant)
    await expect(sidecar.process()).rejects.toMatchObject({
      kind: 'Unavailable',
      message: containing('with code 3. It said: no luck'),
    })
    clock.advance(250)
    expect((await sidecar.process()).isOver).toBe(false)
    await sidecar.leave(tenant)
  })

  it('is not retried without a program', async () => {
    const clock = new HandClock()
    const missing = new TroupeError('Unavailable', 'install it', { retryable: false })
    const sidecar = new Sidecar({ program: async () => Promise.reject(missing), clock })
    sidecar.enter(tenant)
    for (let times = 0; times < 2; times += 1) await expect(sidecar.process()).rejects.toBe(missing)
    expect(clock.waits).toEqual([])
    await sidecar.leave(tenant)
  })

  it('of another version is refused permanently', async () => {
    await using scripted = await ScriptedSidecar.write('ready(1); requests(() => {})')
    const sidecar = sidecarOf(scripted)
    sidecar.enter(tenant)
    await expect(sidecar.process()).rejects.toMatchObject({
      kind: 'Invalid',
      final: true,
      message: containing('version 1'),
    })
    await sidecar.leave(tenant)
  })

  it('gets none of the variables that may hold a key', async () => {
    await using scripted = await ScriptedSidecar.write(
      `writeFileSync(folder + '/given', JSON.stringify([process.argv, process.env])); ${well}`,
    )
    vi.stubEnv('TS_AUTHKEY', 'tskey-secret')
    vi.stubEnv('GOMEMLIMIT', '64MiB')
    const sidecar = sidecarOf(scripted)
    sidecar.enter(tenant)
    await sidecar.process()
    vi.unstubAllEnvs()
    const given = await readFile(join(scripted.folder, 'given'), 'utf8')
    expect(given).toContain('64MiB')
    expect(given).not.toContain('tskey')
    await sidecar.leave(tenant)
  })
})

describe('a request', () => {
  const asking = async (script: string, ask: (sidecar: Sidecar) => Promise<unknown>) => {
    await using scripted = await ScriptedSidecar.write(script)
    const sidecar = sidecarOf(scripted)
    sidecar.enter(tenant)
    try {
      return await ask(sidecar)
    } finally {
      await sidecar.leave(tenant)
    }
  }
  const once = async (sidecar: Sidecar) => (await sidecar.process()).request('status', {}, done, 5000)

  it.each([
    ['EAUTH', 'PermissionDenied', true],
    ['EBUSY', 'Conflict', true],
    ['ESTATE', 'Invalid', true],
    ['EINVAL', 'Invalid', false],
    ['EADDRINUSE', 'AlreadyExists', false],
    ['ECONTROL', 'Unavailable', false],
    ['EUNHEARDOF', 'Unavailable', false],
  ])('with the reply %s is %s', async (code, kind, final) => {
    const script = `ready(); requests((request, answer) => answer({ ok: false, code: '${code}', error: 'in words' }))`
    await expect(asking(script, once)).rejects.toMatchObject({ kind, final, message: `in words (${code})` })
  })

  it('fails when the sidecar dies, sends an invalid reply, or is silent', async () => {
    const dies = 'ready(); requests(() => process.exit(1))'
    await expect(asking(dies, once)).rejects.toMatchObject({ kind: 'Unavailable' })
    const babbles = 'ready(); requests((request, answer) => answer({ nothing: true }))'
    await expect(asking(babbles, once)).rejects.toMatchObject({ kind: 'Internal' })
    const silent = async (sidecar: Sidecar) => (await sidecar.process()).request('status', {}, done, 1)
    await expect(asking('ready(); requests(() => {})', silent)).rejects.toMatchObject({ kind: 'Timeout' })
  })
})

async function dies(sidecar: Sidecar): Promise<void> {
  const process = await sidecar.process()
  process.kill()
  await process.ended
}

function containing(part: string): unknown {
  return expect.stringContaining(part)
}
