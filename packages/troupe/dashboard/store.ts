/** What the page knows of the application: the last state, rates between two states, and series for charts. */
import { Denied, stream } from './client.ts'
import { type Change, type Event, eventOf, type Line, type ObservedService, type Process, type Rest } from './events.ts'
import { forgetToken } from './session.ts'

const mostPoints = 900
const mostKept = 500
/** Milliseconds before the stream is opened again. */
const retryDelay = 1000
/** Milliseconds between two looks whether a hidden tab is visible again. */
const hiddenDelay = 200
/** Milliseconds without a byte after which the stream counts as broken. */
const patience = 8000

/** A point of the charts. */
export interface Point {
  /** In seconds since 1970. */
  readonly time: number
  readonly messages: number
  readonly calls: number
  /** Of the busiest thread, and of the main thread: 0 to 1. */
  readonly busiest: number
  readonly main: number
  /** In MiB. */
  readonly heap: number
  readonly sent: number
  readonly received: number
}

export type Connection = 'connecting' | 'open' | 'lost' | 'denied'

type Used = NonNullable<Rest['threads'][number]['resources']>

interface Totals {
  readonly at: number
  readonly messages: number
  readonly calls: number
  readonly sent: number
  readonly received: number
  /** Handled messages, by pid. */
  readonly handled: ReadonlyMap<string, number>
  /** What threads had used, by their numbers. */
  readonly used: ReadonlyMap<number, Used>
}

/** The data of one tab. Components are drawn again after each change. */
export class Store {
  connection: Connection = 'connecting'
  problem = ''
  role: 'operator' | 'reader' = 'reader'
  bounds: readonly number[] = []
  rest: Rest | undefined
  services: readonly ObservedService[] = []
  changes: readonly Change[] = []
  lines: readonly Line[] = []
  points: readonly Point[] = []
  /** Handled messages per second, by pid. */
  rates: ReadonlyMap<string, number> = new Map()
  /** Utilization of event loops between the last two states, by the numbers of threads: 0 to 1. */
  utilization: ReadonlyMap<number, number> = new Map()
  /** Milliseconds for which the kernel has sent nothing. */
  silence = 0
  readonly token: string
  readonly #onChange: () => void
  #rows = new Map<string, Process>()
  #list: readonly Process[] | undefined
  #before: Totals | undefined
  #heard = performance.now()
  #controller: AbortController | undefined
  #isClosed = false

  constructor(token: string, onChange: () => void) {
    this.token = token
    this.#onChange = onChange
  }

  /** All processes. */
  get processes(): readonly Process[] {
    this.#list ??= [...this.#rows.values()]
    return this.#list
  }

  processOf(pid: string): Process | undefined {
    return this.#rows.get(pid)
  }

  /** Looks at the application while the tab is visible, until `close`. */
  async run(): Promise<void> {
    const watch = setInterval(() => {
      this.#watch()
    }, retryDelay)
    const onVisible = () => {
      if (document.hidden) this.#controller?.abort()
    }
    document.addEventListener('visibilitychange', onVisible)
    while (!this.#isClosed) {
      if (!document.hidden) await this.#look()
      if (this.connection === 'denied') break
      await new Promise((resolve) => setTimeout(resolve, document.hidden ? hiddenDelay : retryDelay))
    }
    clearInterval(watch)
    document.removeEventListener('visibilitychange', onVisible)
  }

  close(): void {
    this.#isClosed = true
    this.#controller?.abort()
  }

  async #look(): Promise<void> {
    this.#controller = new AbortController()
    this.#heard = performance.now()
    try {
      await stream(this.token, this.#controller.signal, (line) => {
        this.#heard = performance.now()
        this.#take(eventOf(line))
      })
      this.#lost('the application has ended the stream')
    } catch (error) {
      if (error instanceof Denied) {
        forgetToken()
        this.connection = 'denied'
        this.problem = error.message
        this.#onChange()
      } else this.#lost(error instanceof Error ? error.message : String(error))
    }
  }

  #lost(problem: string): void {
    this.connection = 'lost'
    this.problem = problem
    this.#onChange()
  }

  /** The server sends a sign of life each second. */
  #watch(): void {
    const quiet = performance.now() - this.#heard
    if (this.connection === 'open' && quiet > patience) this.#controller?.abort()
    else if (this.connection === 'lost') this.#onChange()
  }

  /** Seconds since the last data of the application. */
  get quiet(): number {
    const own = this.connection === 'open' ? this.silence : performance.now() - this.#heard
    return Math.round(own / 1000)
  }

  #take(event: Event): void {
    switch (event.type) {
      case 'hello':
        this.connection = 'open'
        this.silence = 0
        this.role = event.role
        this.bounds = event.bounds
        break
      case 'services':
        this.silence = 0
        this.services = event.services
        this.changes = kept(this.changes, event.changes)
        break
      case 'log':
        this.lines = kept(this.lines, event.lines)
        break
      case 'alive':
        this.silence = event.silence
        break
      default:
        this.#state(event)
    }
    this.#onChange()
  }

  #state({ isWhole, rows, gone, type: _type, ...rest }: Extract<Event, { readonly type: 'state' }>): void {
    this.silence = 0
    if (isWhole) this.#rows = new Map()
    for (const row of rows) this.#rows.set(row.pid, row)
    for (const pid of gone) this.#rows.delete(pid)
    this.#list = undefined
    const before = this.#before
    const seconds = before && Math.max(0.001, (rest.at - before.at) / 1000)
    this.rest = rest
    this.#before = totalsOf(rest, this.#rows)
    if (before === undefined || seconds === undefined || rest.at === before.at) return
    this.rates = new Map(
      rows.flatMap(({ pid, handled }) => {
        const grown = handled - (before.handled.get(pid) ?? handled)
        return grown > 0 ? [[pid, grown / seconds] as const] : []
      }),
    )
    this.utilization = utilizationOf(before.used, this.#before.used)
    this.points = [...this.points.slice(1 - mostPoints), pointOf(rest, this.utilization, this.#before, before, seconds)]
  }
}

function totalsOf({ at, threads, ended, overlays }: Rest, rows: ReadonlyMap<string, Process>): Totals {
  const all = [...threads, ...ended]
  const sum = (name: 'messagesTaken' | 'callsStarted') => all.reduce((total, { counts }) => total + counts[name], 0)
  return {
    at,
    messages: sum('messagesTaken'),
    calls: sum('callsStarted'),
    sent: overlays.reduce((total, { bytesSent }) => total + bytesSent, 0),
    received: overlays.reduce((total, { bytesReceived }) => total + bytesReceived, 0),
    handled: new Map(Array.from(rows.values(), ({ pid, handled }) => [pid, handled])),
    used: new Map(threads.flatMap(({ number, resources }) => (resources ? [[number, resources] as const] : []))),
  }
}

function utilizationOf(before: ReadonlyMap<number, Used>, now: ReadonlyMap<number, Used>): ReadonlyMap<number, number> {
  return new Map(
    Array.from(now, ([number, used]) => {
      const busy = used.busy - (before.get(number)?.busy ?? 0)
      const whole = busy + used.idle - (before.get(number)?.idle ?? 0)
      return [number, whole > 0 ? Math.min(1, Math.max(0, busy / whole)) : 0]
    }),
  )
}

function pointOf(
  { at, threads }: Rest,
  utilization: Store['utilization'],
  now: Totals,
  before: Totals,
  seconds: number,
): Point {
  const grown = (name: 'messages' | 'calls' | 'sent' | 'received') => Math.max(0, now[name] - before[name]) / seconds
  return {
    time: at / 1000,
    messages: grown('messages'),
    calls: grown('calls'),
    busiest: Math.max(0, ...utilization.values()),
    main: utilization.get(threads.find(({ kind }) => kind === 'main')?.number ?? 0) ?? 0,
    heap: threads.reduce((total, { resources }) => total + (resources?.heapUsed ?? 0), 0) / 2 ** 20,
    sent: grown('sent'),
    received: grown('received'),
  }
}

/** Adds rows that are new: after a new start of the stream, earlier ones come again. */
function kept<Row extends { readonly number: number }>(rows: readonly Row[], more: readonly Row[]): readonly Row[] {
  const last = rows.at(-1)?.number ?? 0
  const isRestarted = (more.at(-1)?.number ?? last) < last
  return [...(isRestarted ? [] : rows), ...more.filter(({ number }) => isRestarted || number > last)].slice(-mostKept)
}
