import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { entryId, isPid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { hostId, startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

/** Long enough for a busy machine. */
const patient = { timeout: 120_000 }

const host = 'app:host'

describe('spawning', () => {
  it('runs a program in its own thread, and returns its pid', async () => {
    await using _ = await startKernel({ programs: ['life.who'] })
    const pid = await processes.spawn('app:life.who', host)
    expect(isPid(pid)).toBe(true)
    expect(pid).not.toMatch(/^<0\./)
    const other = await processes.exec('app:life.who', host)
    expect(other).not.toBe(pid)
  })

  it('passes arguments and the result as copies', async () => {
    await using kernel = await startKernel({ programs: ['life.answer'] })
    const value = { list: [1, new Map([['a', new Date(5)]])], nothing: undefined }
    expect(await kernel.exec('life.answer', value)).toEqual(value)
  })

  it('continues from process to process', async () => {
    await using kernel = await startKernel({ programs: ['tree.nest'] })
    const pids = await kernel.exec('tree.nest', 3)
    expect(new Set(pids as string[]).size).toBe(4)
  })

  it('registers a name before the start, and delivers first messages', async () => {
    await using _ = await startKernel({ programs: ['life.wait', 'talk.collect'] })
    const pid = await processes.withName('waiter').spawn('app:life.wait', host)
    expect(await processes.names.lookup('waiter')).toBe(pid)
    await expect(processes.withName('waiter').spawn('app:life.wait', host)).rejects.toMatchObject({
      kind: 'AlreadyExists',
    })
    const payload = { a: [1] }
    const spawner = processes.withMessage('first', payload).withMessage('second')
    payload.a.push(2)
    expect(await spawner.exec('app:talk.collect', host, 2)).toEqual([
      ['first', { a: [1] }],
      ['second', undefined],
    ])
  })

  it('reports invalid arguments', async () => {
    await using kernel = await startKernel({ programs: ['life.answer'] })
    await expect(kernel.exec('life.unknown')).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(processes.spawn('app:life.answer', 'app:nowhere')).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(processes.spawn('app:life.answer', 'app:life.answer')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(processes.spawn('no id', host)).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(kernel.exec('life.answer', 1, { a: () => 5 })).rejects.toMatchObject({
      kind: 'Invalid',
      message: expect.stringContaining('argument 2') as unknown,
      details: { path: 'payload.a' },
    })
    expect(kernel.host.size).toBe(0)
  })

  it('refuses unknown options', async () => {
    const options = { network: 'app:proxy', retries: 3 }
    expect(() => processes.withOptions(options)).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: { path: 'retries' } }),
    )
    expect(() => processes.withOptions({ network: 'no id' })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(() => processes.withOptions({ timeout: 'soon' })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(() => processes.withOptions({ timeout: -1 })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(() => processes.withMessage('@monitor')).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(() => processes.withMessage('topic', () => 5)).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })

  it('is Unavailable in a full host, and possible again once there is room', async () => {
    await using kernel = await startKernel({ programs: ['life.wait'], host: { maxProcesses: 2 } })
    const [first] = await Promise.all([processes.spawn('app:life.wait', host), processes.spawn('app:life.wait', host)])
    await expect(processes.spawn('app:life.wait', host)).rejects.toMatchObject({ kind: 'Unavailable' })
    const ended = processes.exited(first)
    await processes.send(first, 'end', 5)
    expect(await ended).toEqual({ value: 5 })
    await expect.poll(() => kernel.host.size, patient).toBe(1)
    expect(isPid(await processes.spawn('app:life.wait', host))).toBe(true)
  })

  it('is Unavailable in a stopped host', async () => {
    await using kernel = await startKernel({ programs: ['life.wait'] })
    const pid = await processes.spawn('app:life.wait', host)
    const ended = processes.exited(pid)
    await kernel.kernel.hosts.remove(hostId)
    expect(await ended).toMatchObject({ error: { kind: 'Canceled' } })
    await expect(processes.spawn('app:life.wait', host)).rejects.toMatchObject({ kind: 'NotFound' })
  })
})

describe('exec', () => {
  it('ends the process at the timeout, or when it is cancelled', async () => {
    await using kernel = await startKernel({ programs: ['life.loop', 'life.forget'] })
    await expect(processes.withOptions({ timeout: 50 }).exec('app:life.loop', host)).rejects.toMatchObject({
      kind: 'Timeout',
    })
    const aborter = new AbortController()
    const running = processes.withOptions({ signal: aborter.signal }).exec('app:life.forget', host)
    await expect.poll(() => kernel.host.size, patient).toBe(1)
    aborter.abort(new Error('enough'))
    await expect(running).rejects.toMatchObject({ kind: 'Canceled' })
    expect(kernel.host.size).toBe(0)
  })

  it('starts nothing when already cancelled, and ends what was cancelled during its start', async () => {
    await using kernel = await startKernel({ programs: ['life.forget'] })
    const spawner = processes.withOptions({ signal: AbortSignal.abort() })
    await expect(spawner.exec('app:life.forget', host)).rejects.toMatchObject({ kind: 'Canceled' })
    const aborter = new AbortController()
    const running = processes.withOptions({ signal: aborter.signal }).exec('app:life.forget', host)
    aborter.abort()
    await expect(running).rejects.toMatchObject({ kind: 'Canceled' })
    expect(kernel.host.size).toBe(0)
  })
})

describe('a module', () => {
  async function execFile(name: string, text: string, method = 'main'): Promise<unknown> {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-process-'))
    try {
      if (text !== '') writeFileSync(join(folder, name), text)
      await using kernel = await startKernel({ programs: [] })
      kernel.kernel.registry.add({
        id: entryId('app:it'),
        kind: 'process.ts',
        fields: { source: `file://${join(folder, name)}`, method },
      })
      return await processes.exec('app:it', host)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('that is missing', async () => {
    await expect(execFile('missing.ts', '')).rejects.toMatchObject({
      kind: 'NotFound',
      message: expect.stringContaining('missing.ts') as unknown,
    })
  })

  it('that imports a missing one', async () => {
    const failing = execFile('it.ts', 'import "./other.ts"\nexport function main() {}')
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('other.ts') as unknown })
  })

  it('that does not export the method', async () => {
    const failing = execFile('it.ts', 'export function other() {}')
    await expect(failing).rejects.toMatchObject({
      kind: 'NotFound',
      message: expect.stringContaining('it exports other') as unknown,
    })
    await expect(execFile('it.ts', 'export const main = 5')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(execFile('it.ts', 'export function other() {}', 'toString')).rejects.toMatchObject({
      kind: 'NotFound',
    })
  })

  it('that throws while it loads', async () => {
    const failing = execFile('it.ts', 'throw new RangeError("not today")\nexport function main() {}')
    await expect(failing).rejects.toMatchObject({ name: 'RangeError', kind: 'Unknown', message: 'not today' })
  })

  it.each(['it.ts', 'it.js'])('that has no program: %s', async (name) => {
    const failing = execFile(name, 'export function main() { return ) }')
    await expect(failing).rejects.toMatchObject({ name: 'SyntaxError', kind: 'Unknown' })
  })

  it('that never finishes loading, and is terminated', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-process-'))
    writeFileSync(join(folder, 'it.ts'), 'await new Promise(() => undefined)\nexport function main() {}')
    await using kernel = await startKernel({ programs: [] })
    kernel.kernel.registry.add({
      id: entryId('app:it'),
      kind: 'process.ts',
      fields: { source: `file://${join(folder, 'it.ts')}` },
    })
    const pid = await processes.spawn('app:it', host)
    const ended = processes.exited(pid)
    await processes.terminate(pid)
    expect(await ended).toMatchObject({ error: { kind: 'Canceled' } })
    rmSync(folder, { recursive: true })
  })

  it('whose method is not async, and returns a thenable', async () => {
    expect(await execFile('it.ts', 'export function main() { return { then(resolve) { resolve(5) } } }')).toBe(5)
  })
})

describe('afterwards', () => {
  it('the kernel and the spares are left', async () => {
    await using kernel = await startKernel({
      programs: ['life.answer', 'life.fail', 'life.wait', 'life.exit'],
      host: { spares: 2 },
    })
    await Promise.allSettled([
      kernel.exec('life.answer', 5),
      kernel.exec('life.fail', 'no'),
      kernel.exec('life.exit', 3),
      processes.withOptions({ timeout: 20 }).exec('app:life.wait', host),
    ])
    await expect.poll(() => kernel.kernel.threads.size, patient).toBe(3)
    expect(kernel.kernel.processes.size).toBe(1)
  })

  it('nothing keeps a program alive that has disposed of its kernel', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'testing', 'alone.ts')], {
      timeout: 100_000,
    })
    expect(stdout).toBe('done []\n')
  })
})
