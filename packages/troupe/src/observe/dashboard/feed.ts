/**
 * Sends what the kernel observes to the pages that look: one JSON document a line. A page gets a whole state first, and
 * then the processes that changed. A page that does not read gets nothing until it does, and then a whole state.
 */
import type { ServerResponse } from 'node:http'
import { latencyBounds, startInterval, stopTimer, type Timer } from '@troupe/core'
import type { Role, ToDashboard } from './protocol.ts'

/** Milliseconds between signs of life. */
const pace = 1000
/** Bytes that may wait for a page. */
const mostWaiting = 4 << 20
/** Signs of life for which a page may leave its bytes unread. */
const patience = 60
const mostPages = 16
/** Pages of readers; the others are kept for operators. */
const mostReaders = 12
const mostRows = 500

/** A process as JSON. */
interface Row {
  readonly thread: number
  readonly text: string
}

interface Page {
  readonly role: Role
  readonly response: ServerResponse
  needsWhole: boolean
  /** Numbers of the last rows that it got. */
  line: number
  change: number
  unread: number
}

type Observed = Extract<ToDashboard, { readonly type: 'observed' }>
type Tick = Extract<ToDashboard, { readonly type: 'tick' }>

export interface FeedOptions {
  readonly pid: number
  /** The number of pages that look has changed. */
  readonly onLooking: (pages: number) => void
}

export class Feed implements Disposable {
  readonly #options: FeedOptions
  readonly #pages = new Set<Page>()
  readonly #lines: Tick['lines'][number][] = []
  readonly #changes: Tick['changes'][number][] = []
  #services: Tick['services'] = []
  /** The rows of the last observation, by pid. */
  #rows = new Map<string, Row>()
  #rest: string | undefined
  #heard = performance.now()
  #timer: Timer | undefined

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Whether one more page may look. */
  hasRoom(role: Role): boolean {
    const readers = [...this.#pages].filter((page) => page.role === 'reader').length
    return this.#pages.size < mostPages && (role === 'operator' || readers < mostReaders)
  }

  /** Sends events to a page until it is closed. */
  add(response: ServerResponse, role: Role): void {
    const page: Page = { role, response, needsWhole: true, line: 0, change: 0, unread: 0 }
    if (this.#pages.size === 0) {
      this.#heard = performance.now()
      this.#rest = undefined
      this.#timer = startInterval(() => {
        this.#sign()
      }, pace)
    }
    this.#pages.add(page)
    response.once('close', () => {
      this.#pages.delete(page)
      if (this.#pages.size === 0) stopTimer(this.#timer)
      this.#options.onLooking(this.#pages.size)
    })
    write(page, JSON.stringify({ type: 'hello', role, pid: this.#options.pid, bounds: latencyBounds }))
    if (this.#rest !== undefined) this.#whole(page)
    this.#news(page)
    this.#options.onLooking(this.#pages.size)
  }

  /** The kernel's event loop runs. */
  tick({ services, changes, lines }: Tick): void {
    this.#heard = performance.now()
    this.#services = services
    keep(this.#lines, lines)
    keep(this.#changes, changes)
    for (const page of this.#pages) this.#news(page)
  }

  observed({ observation }: Observed): void {
    const { processes, ...rest } = observation
    this.#rest = JSON.stringify({ ...rest, silent: processes.silent }).slice(1, -1)
    const changed: string[] = []
    const before = this.#rows
    this.#rows = new Map(
      processes.rows.map((row) => [row.pid, { thread: row.thread, text: JSON.stringify(row) } satisfies Row]),
    )
    // A busy thread does not tell its processes: they are as they were.
    for (const [pid, row] of before)
      if (processes.silent.includes(row.thread) && !this.#rows.has(pid)) this.#rows.set(pid, row)
    for (const [pid, { text }] of this.#rows) if (before.get(pid)?.text !== text) changed.push(text)
    const gone = [...before.keys()].filter((pid) => !this.#rows.has(pid))
    const part = stateOf(this.#rest, false, changed, gone)
    for (const page of this.#pages) {
      if (isBehind(page)) page.needsWhole = true
      else if (page.needsWhole) this.#whole(page)
      else write(page, part)
    }
  }

  #whole(page: Page): void {
    page.needsWhole = false
    write(
      page,
      stateOf(
        this.#rest ?? '',
        true,
        Array.from(this.#rows.values(), ({ text }) => text),
        [],
      ),
    )
  }

  /** Sends the states of services, and what is new in the log. */
  #news(page: Page): void {
    if (isBehind(page)) return
    const changes = this.#changes.filter(({ number }) => number > page.change)
    page.change = changes.at(-1)?.number ?? page.change
    write(page, JSON.stringify({ type: 'services', at: Date.now(), services: this.#services, changes }))
    const lines = this.#lines.filter(({ number }) => number > page.line)
    page.line = lines.at(-1)?.number ?? page.line
    if (lines.length > 0) write(page, JSON.stringify({ type: 'log', lines }))
  }

  /** Reports for how long the kernel has been silent. Closes pages that do not read. */
  #sign(): void {
    const text = JSON.stringify({ type: 'alive', at: Date.now(), silence: Math.round(performance.now() - this.#heard) })
    for (const page of this.#pages) {
      page.unread = page.response.writableLength > 0 ? page.unread + 1 : 0
      if (page.unread > patience) page.response.destroy()
      else if (!isBehind(page)) write(page, text)
    }
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timer)
    for (const { response } of this.#pages) response.destroy()
  }
}

/** A state as JSON, of parts that are JSON already. */
function stateOf(rest: string, isWhole: boolean, rows: readonly string[], gone: readonly string[]): string {
  return `{"type":"state","isWhole":${isWhole},${rest},"rows":[${rows.join()}],"gone":${JSON.stringify(gone)}}`
}

function keep<Row>(rows: Row[], more: readonly Row[]): void {
  rows.push(...more)
  rows.splice(0, Math.max(0, rows.length - mostRows))
}

function isBehind({ response }: Page): boolean {
  return response.writableLength > mostWaiting
}

function write({ response }: Page, line: string): void {
  response.write(`${line}\n`)
}
