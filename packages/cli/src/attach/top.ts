/**
 * `troupe top`: the processes of a running application, once a second, on the whole screen. What it changes on the
 * terminal is restored at the end, whatever the end is.
 */
import { startInterval, stopTimer } from '@troupe/core'
import type { Readable, Writable } from 'node:stream'
import { StopSignals, statusOf } from '../signals.ts'
import type { Client } from './client.ts'
import { type Frame, frameOf, type Order, type Screen, sortedRows } from './top-frame.ts'

/** Milliseconds between two looks. */
const pace = 1000
const ctrlC = '\u0003'
const escape = '\u001b'
const toAlternate = `${escape}[?1049h${escape}[?25l`
const toNormal = `${escape}[?25h${escape}[?1049l`

type Steered = Pick<Client, 'observe' | 'act'>
type Keyboard = Readable & { readonly isTTY: boolean; readonly setRawMode: (mode: boolean) => unknown }
type Display = Writable & Pick<NodeJS.WriteStream, 'columns' | 'rows'>

/** Shows processes until `q` or Ctrl-C, and returns the exit status. */
export async function top(
  client: Steered,
  input: Keyboard = process.stdin,
  output: Display = process.stdout,
): Promise<number> {
  const view = new Top(client, output)
  const restore = () => {
    if (input.isTTY) input.setRawMode(false)
    input.pause()
    output.write(toNormal)
  }
  process.once('exit', restore)
  output.write(toAlternate)
  if (input.isTTY) input.setRawMode(true)
  // A terminal may send several keys at once.
  const onKey = (keys: string) => {
    for (const key of keysIn(keys)) view.key(key)
  }
  const redraw = () => {
    view.draw()
  }
  using signals = new StopSignals((signal) => process.exit(statusOf(signal)))
  void signals.first.then((signal) => {
    view.end(statusOf(signal))
  })
  input.setEncoding('utf8').on('data', onKey)
  output.on('resize', redraw)
  try {
    return await view.run()
  } finally {
    process.off('exit', restore)
    input.off('data', onKey)
    output.off('resize', redraw)
    restore()
  }
}

class Top {
  readonly #client: Steered
  readonly #output: Display
  readonly #ended = Promise.withResolvers<number>()
  #frame: Frame | undefined
  #order: Order = 'mailbox'
  #selected = 0
  #filter = ''
  #isFiltering = false
  /** The pid whose end is to be confirmed. */
  #asked: string | undefined
  #message = ''
  /** An observation is under way. */
  #isLooking = false

  constructor(client: Steered, output: Display) {
    this.#client = client
    this.#output = output
  }

  /** Ends with an exit status. */
  end(status: number): void {
    this.#ended.resolve(status)
  }

  async run(): Promise<number> {
    await Promise.race([this.#look(), this.#ended.promise])
    const timer = startInterval(() => {
      this.#look().catch((error: unknown) => {
        this.#ended.reject(error instanceof Error ? error : new Error(String(error)))
      })
    }, pace)
    try {
      return await this.#ended.promise
    } finally {
      stopTimer(timer)
    }
  }

  key(key: string): void {
    if (key === ctrlC) this.#ended.resolve(0)
    else if (this.#isFiltering) this.#filterKey(key)
    else if (this.#asked !== undefined) this.#confirmKey(key)
    else this.#viewKey(key)
    this.draw()
  }

  draw(): void {
    if (this.#frame === undefined) return
    const { columns, rows } = this.#output
    const screen: Screen = {
      columns,
      rows,
      order: this.#order,
      selected: this.#selected,
      filter: this.#filter,
      prompt: this.#prompt(),
      isPlain: process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '',
    }
    this.#output.write(`${escape}[H${frameOf(this.#frame, screen).join(`${escape}[K\r\n`)}${escape}[J`)
  }

  #prompt(): string {
    if (this.#isFiltering) return `filter: ${this.#filter}_`
    if (this.#asked !== undefined) return `terminate ${this.#asked}? y/n`
    return this.#message
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const before = this.#frame?.observation
    this.#frame = { observation: await this.#client.observe({ connections: 0 }), before }
    this.#isLooking = false
    this.draw()
  }

  #viewKey(key: string): void {
    this.#message = ''
    const orders: Readonly<Record<string, Order>> = { m: 'mailbox', h: 'handled', a: 'age' }
    if (key === 'q') this.#ended.resolve(0)
    else if (key === '/') this.#isFiltering = true
    else if (key === 'j' || key === `${escape}[B`) this.#select(1)
    else if (key === 'k' || key === `${escape}[A`) this.#select(-1)
    else if (key === 't') this.#asked = this.#rows().at(this.#select(0))?.pid
    else this.#order = orders[key] ?? this.#order
  }

  #filterKey(key: string): void {
    if (key === '\r' || key === escape) this.#isFiltering = false
    else if (key === '\u007f') this.#filter = this.#filter.slice(0, -1)
    else if (/^\P{C}$/u.test(key)) this.#filter += key
    this.#selected = 0
  }

  #confirmKey(key: string): void {
    const pid = this.#asked
    this.#asked = undefined
    if (key !== 'y' || pid === undefined) return
    this.#client.act({ action: 'terminate', pid }).then(
      () => {
        this.#message = `${pid} was terminated`
      },
      (error: unknown) => {
        this.#message = error instanceof Error ? error.message : String(error)
      },
    )
  }

  /** Moves the selection, and returns its index: processes may have ended since. */
  #select(step: number): number {
    this.#selected = Math.max(0, Math.min(this.#selected + step, this.#rows().length - 1))
    return this.#selected
  }

  #rows(): ReturnType<typeof sortedRows> {
    return this.#frame === undefined ? [] : sortedRows(this.#frame, this.#order, this.#filter)
  }
}

/** Single keys; an arrow is three characters. */
function keysIn(text: string): readonly string[] {
  const keys: string[] = []
  for (let at = 0; at < text.length; at += keys.at(-1)?.length ?? 1)
    keys.push(text.startsWith(`${escape}[`, at) ? text.slice(at, at + escape.length + 2) : text.charAt(at))
  return keys
}
