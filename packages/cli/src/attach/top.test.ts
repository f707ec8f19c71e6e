import { PassThrough } from 'node:stream'
import type { Observation } from 'troupe/app'
import { describe, expect, it } from 'vitest'
import { top } from './top.ts'

function observed(): Observation
function observed(): object {
  const row = { entry: 'app:a', names: [], state: 'waiting', mailbox: 0, handled: 0, startedAt: 0, overlay: null }
  const rows = ['<1.1>', '<1.2>'].map((pid) => ({ ...row, pid }))
  return {
    at: 1,
    pid: 1,
    uptime: 1,
    threads: [],
    overlays: [],
    deadLetters: { count: 0 },
    processes: { rows, silent: [] },
  }
}

/** `troupe top` on streams that are no terminal. */
function started() {
  const modes: boolean[] = []
  const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => modes.push(mode) })
  const display = Object.assign(new PassThrough().setEncoding('utf8'), { columns: 80, rows: 24 })
  let shown = ''
  display.on('data', (text) => (shown += String(text)))
  const client = { observe: async () => observed(), act: async () => {} }
  return { keyboard, modes, status: top(client, keyboard, display), shown: () => shown }
}

describe('top', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('restores the terminal at %s', async (signal, status) => {
    const screen = started()
    await expect.poll(screen.shown).toContain('app:a')
    process.emit(signal, signal)
    expect(await screen.status).toBe(status)
    expect(screen.shown().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    expect(screen.modes).toEqual([true, false])
    expect(process.listenerCount(signal)).toBe(0)
  })

  it('does not move the selection past the last process', async () => {
    const screen = started()
    await expect.poll(screen.shown).toContain('app:a')
    screen.keyboard.write('jjjjjjkt')
    await expect.poll(screen.shown).toContain('terminate <1.1>? y/n')
    screen.keyboard.write('nq')
    expect(await screen.status).toBe(0)
  })
})
