/**
 * The report that a running application writes for other programs about its overlays: its own file in the state folder,
 * readable only by this user, without secrets. The application writes it at start and at each change, and removes it at
 * exit. A report whose program is gone is ignored.
 */
import type { EntryId } from '@troupe/core'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { OverlayTable } from './overlay-table.ts'

const reported = z.object({
  /** The condition of the overlay. */
  state: z.enum(['up', 'degraded', 'starting', 'down']),
  /** When it came into that state, in milliseconds since 1970. */
  since: z.number(),
  /** Why it is not up. */
  reason: z.string().optional(),
  /** Its own name in the overlay. */
  name: z.string().optional(),
  /** Its own addresses in the overlay. */
  addresses: z.array(z.string()).optional(),
})
const report = z.record(z.string(), reported)

/** State of an overlay of a running application at its last change. */
export type ReportedOverlay = z.output<typeof reported>

const changes = 'troupe:overlay:state'

/** The files of the applications of this program. */
const inUse = new Set<string>()

/** Each application of a program has a file of its own, also where several have the same folder. */
function freeFile(folder: string): string {
  for (let number = 1; ; number += 1) {
    const file = join(folder, number === 1 ? `${process.pid}.json` : `${process.pid}-${number}.json`)
    if (!inUse.has(file)) return file
  }
}

/** Writes the report of a running application, until it is disposed of; then removes the report. */
export class RunningReport implements AsyncDisposable {
  readonly #overlays: OverlayTable
  readonly #ids: () => readonly EntryId[]
  readonly #file: string
  #writing: Promise<void> = Promise.resolve()
  #isStale = false

  /** @param ids - Ids of the overlay entries, whether the overlays run or not. */
  constructor(overlays: OverlayTable, ids: () => readonly EntryId[], stateDir: string) {
    this.#overlays = overlays
    this.#ids = ids
    this.#file = freeFile(folderIn(stateDir))
    inUse.add(this.#file)
    subscribe(changes, this.#changed)
    this.#changed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unsubscribe(changes, this.#changed)
    await this.#writing
    // Like a failure to write it: the folder may be read-only by now, or a file.
    await rm(this.#file, { force: true }).catch(() => undefined)
    inUse.delete(this.#file)
  }

  /** Combines several changes in one turn into one write. */
  readonly #changed = (): void => {
    if (this.#isStale) return
    this.#isStale = true
    // The report is a convenience: a failure to write it does not affect the application.
    this.#writing = this.#writing.then(async () => this.#write()).catch(() => undefined)
  }

  async #write(): Promise<void> {
    this.#isStale = false
    const ids = this.#ids()
    if (ids.length === 0) return
    const found = await Promise.all(
      ids.map(async (id) => [id, await this.#overlays.status(id).catch(() => undefined)] as const),
    )
    const statuses = Object.fromEntries(found.map(([id, status]) => [id, reported.safeParse(status).data]))
    await mkdir(join(this.#file, '..'), { recursive: true, mode: 0o700 })
    const draft = `${this.#file}.new`
    await writeFile(draft, JSON.stringify(statuses), { mode: 0o600 })
    await rename(draft, this.#file)
  }
}

/**
 * Reads the reports of the applications that run on this state. When several report the same overlay, the last change
 * wins.
 *
 * @example
 * ```ts
 * const { config } = await load({ root: '.' })
 * const overlays = await runningOverlays(config.networkService.stateDir)
 * console.log(overlays.get('app:tailnet')?.state) // up
 * ```
 */
export async function runningOverlays(stateDir: string): Promise<ReadonlyMap<string, ReportedOverlay>> {
  const folder = folderIn(stateDir)
  const names = await readdir(folder).catch(() => [])
  const alive = names.filter((name) => /^\d+(?:-\d+)?\.json$/.test(name) && isAlive(Number.parseInt(name, 10)))
  const reports = await Promise.all(alive.map(async (name) => readReport(join(folder, name))))
  return new Map(reports.flat().toSorted(([, a], [, b]) => a.since - b.since))
}

async function readReport(file: string): Promise<readonly (readonly [string, ReportedOverlay])[]> {
  try {
    return Object.entries(report.parse(JSON.parse(await readFile(file, 'utf8'))))
  } catch {
    return []
  }
}

/**
 * Returns whether an operating-system process exists, by its process id.
 *
 * @example
 * ```ts
 * console.log(isAlive(process.pid)) // true
 * ```
 */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function folderIn(stateDir: string): string {
  return join(stateDir, 'running')
}
