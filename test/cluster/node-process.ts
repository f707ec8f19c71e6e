/** A node of a cluster as a process of its own, which tests kill and stop. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { ClusterEvent, ClusterView } from 'troupe/app'
import { z } from 'zod'

const line = z.object({
  /** Milliseconds of the machine's monotonic clock. */
  at: z.number(),
  act: z.number().optional(),
  state: z.string().optional(),
  event: z.custom<ClusterEvent>().optional(),
  log: z.string().optional(),
  booted: z.custom<ClusterView>().optional(),
  failed: z.looseObject({ message: z.string(), kind: z.string().optional() }).optional(),
  stopped: z.boolean().optional(),
  /** What a process took from a stream of numbers. */
  number: z.number().optional(),
  letter: z.looseObject({ to: z.string(), from: z.string(), topic: z.string(), reason: z.string() }).optional(),
  answer: z.looseObject({ id: z.number(), value: z.unknown().optional(), error: z.string().optional() }).optional(),
})
export type Line = z.output<typeof line>

export interface NodeOptions {
  readonly cluster: Readonly<Record<string, unknown>>
  readonly sections?: Readonly<Record<string, unknown>>
  readonly entries?: readonly unknown[]
  /** @default node.ts */
  readonly program?: string
}

export class NodeProcess implements AsyncDisposable {
  readonly lines: Line[] = []
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly folder: string
  readonly #events = new EventEmitter<{ line: [] }>()
  readonly #errors: string[] = []
  readonly #exited: Promise<unknown>

  private constructor(folder: string, options: NodeOptions) {
    this.folder = folder
    const { program = 'node.ts', ...settings } = options
    const file = join(import.meta.dirname, 'fixtures', program)
    this.child = spawn(process.execPath, [file, JSON.stringify({ root: folder, ...settings })], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child.stdin.on('error', () => undefined)
    this.#events.setMaxListeners(0)
    createInterface({ input: this.child.stdout }).on('line', (text) => {
      // The client of NATS prints its own failures.
      if (!text.startsWith('{')) return
      this.lines.push(line.parse(JSON.parse(text)))
      this.#events.emit('line')
    })
    createInterface({ input: this.child.stderr }).on('line', (text) => this.#errors.push(text))
    this.#exited = once(this.child, 'close').then(() => this.#events.emit('line'))
  }

  static async start(options: NodeOptions): Promise<NodeProcess> {
    return new NodeProcess(await mkdtemp(join(tmpdir(), 'troupe-node-')), options)
  }

  /** Resolves with the first line, from number `from` on, for which `find` returns something. */
  async until<T>(find: (line: Line) => T | undefined, from = 0): Promise<T> {
    for (let number = from; ; number += 1) {
      while (this.lines.length <= number) {
        if (this.child.exitCode !== null || this.child.signalCode !== null)
          throw new Error(`the node has ended. Its last lines:\n${this.#words()}`)
        await once(this.#events, 'line')
      }
      const next = this.lines[number]
      const found = next && find(next)
      if (found !== undefined) return found
    }
  }

  async booted(): Promise<ClusterView> {
    return this.until(({ booted, failed }) => {
      if (failed !== undefined) throw new Error(`the node did not start: ${failed.message}`)
      return booted
    })
  }

  async event(type: ClusterEvent['type'], node: string, from = 0): Promise<ClusterEvent & { readonly at: number }> {
    return this.until(
      ({ at, event: found }) => (found?.type === type && found.node === node ? { ...found, at } : undefined),
      from,
    )
  }

  /** Ends the thread of the node's link. */
  endLink(): void {
    this.child.stdin.write('end\n')
  }

  /** The node stops by itself. */
  async stop(): Promise<void> {
    this.child.stdin.end()
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
    await this.#exited
    await rm(this.folder, { recursive: true, force: true })
  }

  #words(): string {
    return [...this.lines.slice(-8).map((each) => JSON.stringify(each)), ...this.#errors.slice(-8)].join('\n')
  }
}

/** When each incarnation was declared dead, according to the first node that learned it. */
export function deaths(nodes: readonly NodeProcess[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  for (const { at, event: seen } of nodes.flatMap(({ lines }) => lines))
    if (seen?.type === 'died') found.set(seen.incarnation, Math.min(at, found.get(seen.incarnation) ?? Infinity))
  return found
}

/** The acts of incarnations that had been declared dead. There must be none. */
export function lateActs(nodes: readonly NodeProcess[]): readonly unknown[] {
  const dead = deaths(nodes)
  return nodes.flatMap(({ lines }) =>
    lines.filter(({ at, act }) => act !== undefined && at > (dead.get(act) ?? Infinity)),
  )
}
