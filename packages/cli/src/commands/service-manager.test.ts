import { chmodSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, it } from 'vitest'
import { ServiceManager } from './service-manager.ts'

it('reports each reload after the start, one at a time, in order', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-notify-'))
  const sent = join(folder.path, 'sent')
  writeFileSync(sent, '')
  // In place of the program of systemd.
  writeFileSync(join(folder.path, 'systemd-notify'), `#!/bin/sh\necho "$@" >> "${sent}"\n`)
  chmodSync(join(folder.path, 'systemd-notify'), 0o700)
  const path = process.env['PATH']
  process.env['PATH'] = `${folder.path}${delimiter}${path}`
  try {
    const lines: string[] = []
    using manager = ServiceManager.in({ NOTIFY_SOCKET: 'none' }, (line) => lines.push(line))
    const reloads: PromiseWithResolvers<void>[] = []
    manager?.reloadBy(async () => {
      const reload = Promise.withResolvers<void>()
      reloads.push(reload)
      await reload.promise
    })
    // It waits for the start.
    process.emit('SIGHUP')
    manager?.ready(() => true)
    await expect.poll(() => reloads).toHaveLength(1)
    // Both together are one more.
    process.emit('SIGHUP')
    process.emit('SIGHUP')
    reloads[0]?.resolve()
    await expect.poll(() => reloads).toHaveLength(2)
    reloads[1]?.resolve()
    const words = () =>
      readFileSync(sent, 'utf8')
        .trim()
        .replaceAll(/MONOTONIC_USEC=\d+/g, 'TIME')
        .split('\n')
    await expect.poll(words).toEqual(['READY=1', 'RELOADING=1 TIME', 'READY=1', 'RELOADING=1 TIME', 'READY=1'])
    // Of another kind, such as saved changes, while a signal arrives: one after the other.
    const saved = Promise.withResolvers<void>()
    const applied = manager?.reload(async () => saved.promise)
    process.emit('SIGHUP')
    await expect.poll(() => words().slice(5)).toEqual(['RELOADING=1 TIME'])
    expect(reloads).toHaveLength(2)
    saved.resolve()
    await applied
    await expect.poll(() => reloads).toHaveLength(3)
    await expect.poll(() => words().slice(5)).toEqual(['RELOADING=1 TIME', 'READY=1', 'RELOADING=1 TIME'])
    manager?.stopping()
    // It is not ready again.
    reloads[2]?.resolve()
    await expect.poll(() => words().at(-1)).toBe('STOPPING=1')
    await manager?.reload(async () => undefined)
    expect(words().slice(8)).toEqual(['STOPPING=1'])
    expect(lines).toEqual([])
  } finally {
    process.env['PATH'] = path
  }
})
