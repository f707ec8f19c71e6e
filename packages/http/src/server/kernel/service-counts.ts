/** The counters of HTTP services on the kernel's side: of the servers that run, and of those that have ended. */
import { type EntryId, forgetOldest } from '@troupe/core'
import type { Thread } from '@troupe/process/kernel'
import {
  addServerCounts,
  countMemory,
  mostRoutes,
  ownRoutes,
  readServerCounts,
  type ServerCounts,
} from '../counts/count-memory.ts'
import { staticPath } from '../routing/pattern.ts'
import type { Routes } from './build-route-table.ts'

/** Services whose counters are kept, also after their entries were deleted. */
const mostServices = 256

/** What one service counted. */
export interface ServiceCounts extends ServerCounts {
  readonly service: EntryId
}

export class CountsByService {
  readonly #services = new Map<EntryId, CountsOfService>()

  of(service: EntryId): CountsOfService {
    const known = this.#services.get(service)
    if (known !== undefined) return known
    const counts = new CountsOfService()
    this.#services.set(service, counts)
    forgetOldest(this.#services, mostServices)
    return counts
  }

  all(): readonly ServiceCounts[] {
    return Array.from(this.#services, ([service, counts]) => ({ service, ...counts.read() }))
  }
}

class CountsOfService {
  readonly #paths: string[] = [...ownRoutes]
  /** Memory of servers that may still write, with how to know that they do not. */
  readonly #running = new Map<SharedArrayBuffer, () => boolean>()
  readonly #past = new Float64Array(countMemory())

  /** Gives each path a place, as long as there is one. */
  numbered(paths: readonly string[]): readonly string[] {
    for (const path of paths) if (this.#paths.length < mostRoutes && !this.#paths.includes(path)) this.#paths.push(path)
    return [...this.#paths]
  }

  /** Memory for a server that starts. It is read from {@link runsIn} on. */
  open(): SharedArrayBuffer {
    this.#settle()
    return countMemory()
  }

  /** The server runs in that thread, which may continue for a moment after it has ended. */
  runsIn(memory: SharedArrayBuffer, thread: Thread | undefined, ended: Promise<unknown>): void {
    let hasEnded = false
    this.#running.set(memory, () => thread?.gone ?? hasEnded)
    if (thread === undefined)
      void ended.then(() => {
        hasEnded = true
      })
  }

  read(): ServerCounts {
    this.#settle()
    const sum = Float64Array.from(this.#past)
    let inFlight = 0
    for (const memory of this.#running.keys()) {
      const counted = new Float64Array(memory)
      inFlight += readServerCounts(counted, []).inFlight
      addServerCounts(sum, counted)
    }
    return { ...readServerCounts(sum, this.#paths), inFlight }
  }

  #settle(): void {
    for (const [memory, hasEnded] of this.#running) {
      if (!hasEnded()) continue
      addServerCounts(this.#past, new Float64Array(memory))
      this.#running.delete(memory)
    }
  }
}

/** The paths by which requests of a table are counted. */
export function pathsOf({ routers, statics }: Routes): readonly string[] {
  return [
    ...routers.flatMap(({ endpoints, sockets, streams }) =>
      [...endpoints, ...sockets, ...streams].map(({ path }) => path),
    ),
    ...statics.map(({ fields }) => staticPath(fields.path)),
  ]
}
