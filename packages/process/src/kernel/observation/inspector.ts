/** Asks threads what is in them, and checks what they say: a thread speaks for itself alone. */
import { isPid, type Pid, startTimer, stopTimer, threadOf, type Timer } from '@troupe/core'
import { type InspectionSubject, rowWidths } from '../../protocol/inspection.ts'
import type { Thread } from '../../worker-threads/thread.ts'

/** Milliseconds for which a thread may be busy before it counts as silent. */
const patience = 1000
/** Maximum number of rows of one reply, where the kernel asked for all. */
const mostRows = 10_000

type Cell = string | number

/** A process, as its thread describes it. */
export interface ProcessRow {
  readonly pid: Pid
  /** The process or call that started it, if its thread did so without the kernel. */
  readonly parent: string
  readonly entry: string
  /** `running`: code of it runs or waits for something else than a message. */
  readonly state: string
  /** Messages that wait. */
  readonly mailbox: number
  /** Messages that it took since its start. */
  readonly handled: number
  readonly links: number
  /** In milliseconds since 1970. */
  readonly startedAt: number
}

/** A connection through an overlay, as its thread describes it. */
export interface ConnectionRow {
  readonly thread: number
  readonly number: number
  readonly overlay: string
  readonly target: string
  readonly direction: string
  readonly since: number
  readonly owner: string
  readonly actor: string
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** An overlay, as one thread sees it. Durations of dials are in milliseconds. */
export interface OverlayRow {
  readonly thread: number
  readonly overlay: string
  readonly state: string
  readonly opened: number
  readonly failed: number
  readonly dialling: number
  readonly accepted: number
  readonly open: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** A message that a process took or sent. Its payload is not recorded. */
export interface RecordedMessage {
  /** In milliseconds since 1970. */
  readonly time: number
  /** As the recorded process sees it. */
  readonly direction: 'in' | 'out'
  /** Whether its sender waits for a reply. */
  readonly kind: 'send' | 'call'
  readonly from: string
  readonly to: string
  readonly topic: string
  /** Approximate size of the payload. */
  readonly bytes: number
  /** The id of the trace that it belongs to, or ''. */
  readonly trace: string
}

/** Messages from one process to another. */
export interface FlowRow {
  readonly from: string
  /** The entry of the sender, or ''. */
  readonly entry: string
  /** The receiver; '' for the sum of those that were too many to list. */
  readonly to: string
  readonly messages: number
  readonly bytes: number
}

interface Pending {
  readonly thread: Thread
  readonly cells: Cell[]
  readonly width: number
  /** Maximum number of cells that were asked for. */
  readonly most: number
  readonly resolve: (cells: readonly Cell[] | undefined) => void
  readonly timer: Timer
}

export class Inspector implements Disposable {
  readonly #pending = new Map<number, Pending>()
  #last = 0

  /** The processes of a thread; `undefined` when it does not reply. @param limit - Those with the longest mailboxes. */
  async processes(thread: Thread, limit: number): Promise<readonly ProcessRow[] | undefined> {
    const rows = await this.#rows(thread, 'processes', limit)
    const known = new Set<Pid>()
    return rows?.flatMap(([pid, parent, entry, state, mailbox, handled, links, startedAt]) =>
      isPid(text(pid)) && threadOf(pidOf(pid)) === thread.number && isNew(known, pidOf(pid))
        ? [
            {
              pid: pidOf(pid),
              parent: text(parent),
              entry: text(entry),
              state: text(state),
              mailbox: amount(mailbox),
              handled: amount(handled),
              links: amount(links),
              startedAt: amount(startedAt),
            },
          ]
        : [],
    )
  }

  /** The open connections of a thread; `undefined` when it does not reply. */
  async connections(thread: Thread, limit: number): Promise<readonly ConnectionRow[] | undefined> {
    const rows = await this.#rows(thread, 'connections', limit)
    return rows?.map(([number, overlay, target, direction, since, owner, actor, sent, received]) => ({
      thread: thread.number,
      number: amount(number),
      overlay: text(overlay),
      target: text(target),
      direction: text(direction),
      since: amount(since),
      owner: text(owner),
      actor: text(actor),
      bytesSent: amount(sent),
      bytesReceived: amount(received),
    }))
  }

  /** The overlays that a thread used; `undefined` when it does not reply. */
  async overlays(thread: Thread): Promise<readonly OverlayRow[] | undefined> {
    const rows = await this.#rows(thread, 'overlays', Number.MAX_SAFE_INTEGER)
    return rows?.map(([overlay, state, ...numbers]) => {
      const [opened, failed, dialling, accepted, open, bytesSent, bytesReceived, p50, p90, p99, max] =
        numbers.map(amount)
      return {
        thread: thread.number,
        overlay: text(overlay),
        state: text(state),
        opened: amount(opened),
        failed: amount(failed),
        dialling: amount(dialling),
        accepted: amount(accepted),
        open: amount(open),
        bytesSent: amount(bytesSent),
        bytesReceived: amount(bytesReceived),
        p50: amount(p50),
        p90: amount(p90),
        p99: amount(p99),
        max: amount(max),
      }
    })
  }

  /** What a thread was refused, by name; `undefined` when it does not reply. */
  async refusals(thread: Thread): Promise<ReadonlyMap<string, number> | undefined> {
    const rows = await this.#rows(thread, 'refusals', Number.MAX_SAFE_INTEGER)
    return rows && new Map(rows.map(([what, count]) => [text(what), amount(count)]))
  }

  /** Number of messages that a thread has recorded; `undefined` when it does not reply. */
  async recorded(thread: Thread): Promise<number | undefined> {
    const rows = await this.#rows(thread, 'recorded', 1)
    return rows && amount(rows[0]?.[0])
  }

  /** The messages that a thread has recorded; `undefined` when it does not reply. */
  async messages(thread: Thread, limit: number): Promise<readonly RecordedMessage[] | undefined> {
    const rows = await this.#rows(thread, 'messages', limit)
    return rows?.map(([time, direction, kind, from, to, topic, bytes, trace]) => ({
      time: amount(time),
      direction: direction === 'in' ? 'in' : 'out',
      kind: kind === 'call' ? 'call' : 'send',
      from: text(from),
      to: text(to),
      topic: text(topic),
      bytes: amount(bytes),
      trace: text(trace),
    }))
  }

  /** The messages that a thread has counted, by sender and receiver; `undefined` when it does not reply. */
  async flows(thread: Thread, limit: number): Promise<readonly FlowRow[] | undefined> {
    const rows = await this.#rows(thread, 'flows', limit)
    return rows
      ?.map(([from, entry, to, messages, bytes]) => ({
        from: text(from),
        entry: text(entry),
        to: text(to),
        messages: amount(messages),
        bytes: amount(bytes),
      }))
      .filter(({ from }) => isPid(from) && threadOf(from) === thread.number)
  }

  /** Reads the counters of a thread that shares no memory with the kernel. */
  async refresh(thread: Thread): Promise<void> {
    const rows = await this.#rows(thread, 'counters', Number.MAX_SAFE_INTEGER)
    for (const [index, [value]] of rows?.entries() ?? [])
      if (index < thread.counters.length) thread.counters[index] = amount(value)
  }

  /** A part of a reply has arrived. A part that comes too late is dropped. */
  onInspected(thread: Thread, number: number, cells: readonly Cell[], isLast: boolean): void {
    const pending = this.#pending.get(number)
    if (pending === undefined || pending.thread !== thread) return
    for (const cell of cells) pending.cells.push(cell)
    // It was asked for less: it does not speak for itself any more.
    if (pending.cells.length > pending.most) this.#settle(number, undefined)
    else if (isLast) this.#settle(number, pending.cells)
  }

  threadGone(thread: Thread): void {
    for (const [number, pending] of this.#pending) if (pending.thread === thread) this.#settle(number, undefined)
  }

  [Symbol.dispose](): void {
    for (const number of this.#pending.keys()) this.#settle(number, undefined)
  }

  async #rows(thread: Thread, what: InspectionSubject, limit: number): Promise<Cell[][] | undefined> {
    const number = (this.#last += 1)
    const askedAt = performance.now()
    const { promise, resolve } = Promise.withResolvers<readonly Cell[] | undefined>()
    const width = rowWidths[what]
    const timer = startTimer(() => {
      this.#settle(number, undefined)
    }, patience).unref()
    const most = Math.min(limit, mostRows) * width
    this.#pending.set(number, { thread, cells: [], width, most, resolve, timer })
    thread.post({ type: 'inspect', number, what, limit: Math.min(limit, mostRows) })
    const cells = await promise
    thread.delay = performance.now() - askedAt
    if (cells === undefined) return undefined
    return Array.from({ length: Math.floor(cells.length / width) }, (_, row) =>
      cells.slice(row * width, (row + 1) * width),
    )
  }

  #settle(number: number, cells: readonly Cell[] | undefined): void {
    const pending = this.#pending.get(number)
    this.#pending.delete(number)
    if (pending === undefined) return
    stopTimer(pending.timer)
    pending.resolve(cells)
  }
}

function text(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : ''
}

function amount(cell: Cell | undefined): number {
  return typeof cell === 'number' && Number.isFinite(cell) && cell > 0 ? cell : 0
}

function pidOf(cell: Cell | undefined): Pid
function pidOf(cell: Cell | undefined): string {
  return text(cell)
}

/** A process has one row. */
function isNew(known: Set<Pid>, pid: Pid): boolean {
  const before = known.size
  return known.add(pid).size > before
}
