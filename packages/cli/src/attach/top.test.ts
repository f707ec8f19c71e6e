import { PassThrough } from 'node:stream'
import type { Observation } from 'troupe/app'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { textWidth } from '../text-width.ts'
import { top } from './top.ts'

function observed(names: readonly string[]): Observation
function observed(names: readonly string[]): object {
  const row = { entry: 'app:a', names: [], state: 'waiting', mailbox: 0, handled: 0, startedAt: 0, overlay: null }
  const rows = ['<1.1>', '<1.2>'].map((pid, index) => ({ ...row, pid, names: names.slice(index, index + 1) }))
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
function started(names: readonly string[] = [], size = { columns: 80, rows: 24 }) {
  const modes: boolean[] = []
  const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => modes.push(mode) })
  const display = Object.assign(new PassThrough().setEncoding('utf8'), size)
  let shown = ''
  display.on('data', (text) => (shown += String(text)))
  const client = { observe: async () => observed(names), act: async () => {} }
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
  it('keeps to the screen, also with names in wide characters, and filters by them', async () => {
    const screen = started(['注文処理', 'x\u001b[2J\u202e'], { columns: 86, rows: 8 })
    await expect.poll(screen.shown).toContain('注')
    screen.keyboard.write('/処理')
    await expect.poll(screen.shown).toContain('filter: 処理_')
    screen.keyboard.write('\rq')
    await screen.status
    const frames = screen.shown().split('\u001b[H').slice(1)
    const shown = frames.map((frame) => stripVTControlCharacters(frame.split('\u001b[J')[0] ?? '').split('\r\n'))
    for (const lines of shown) {
      expect(lines.length).toBeLessThanOrEqual(8)
      for (const line of lines) expect(textWidth(line)).toBe(86)
    }
    expect(shown[0]?.at(-1)).toContain(String.raw`x\u001b`)
    expect(shown.at(-1)).toHaveLength(6)
  })

  it.each([
    [10, 1],
    [1, 3],
    [0, 0],
  ])('works in a terminal of %i columns and %i rows', async (columns, rows) => {
    const screen = started([], { columns, rows })
    await expect.poll(screen.shown).toContain('\u001b[J')
    screen.keyboard.write('jq')
    expect(await screen.status).toBe(0)
    const frames = screen.shown().split('\u001b[H').slice(1)
    for (const frame of frames) expect(frame.split('\r\n').length).toBeLessThanOrEqual(Math.max(1, rows))
  })
})
