/** A kernel with one host, whose processes run the programs in `programs/`. One at a time: a thread has one runtime. */
import { type EntryId, entryId, type Log, type LogNote } from '@troupe/core'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { compilePolicies, policyKinds, Security } from '@troupe/policy/kernel'
import { type EntryInput, Registry } from '@troupe/registry'
import { joinProgram } from '../thread/current.ts'
import { processes } from '../api/processes.ts'
import type { Host } from '../host/host.ts'
import { type HostSettings, Kernel, processKinds } from '../kernel.ts'
import { type DeadLetter, deadLetterChannel } from '../mailbox/dead-letters.ts'

export const hostId = entryId('app:host')

/** What processes live in where a test says nothing: the same tests run with processes of the operating system. */
const testedIsolation = process.env['TROUPE_TEST_ISOLATION'] === 'process' ? 'process' : 'thread'

export interface KernelFixtureOptions {
  /** Methods that become entries: `talk.echo` is the export `echo` of `programs/talk.ts` and entry `app:talk.echo`. */
  readonly programs: readonly string[]
  /** Overlays that programs are pinned to. */
  readonly pins?: Readonly<Record<string, string | null>>
  /** What programs accept. */
  readonly accepts?: Readonly<Record<string, 'any' | readonly string[]>>
  /** Overlays that lead nowhere. */
  readonly overlays?: readonly string[]
  /** Those of them that isolate, by what. */
  readonly isolate?: Readonly<Record<string, 'actor' | 'process'>>
  /** Where their proxies should be. @default a closed port */
  readonly proxyPort?: number
  /** Fields of policies, by id. */
  readonly policies?: Readonly<Record<string, EntryInput['fields']>>
  readonly strictMode?: boolean
  /** The overlay of all that chooses none. */
  readonly defaultOverlay?: EntryId
  readonly host?: Partial<HostSettings>
}

/** A line of the log. */
interface Noted {
  readonly message: string
  readonly note: LogNote
}

export interface KernelFixture extends AsyncDisposable {
  readonly kernel: Kernel
  readonly host: Host
  readonly log: readonly string[]
  /** Lines of the log with what belongs to them. */
  readonly notes: readonly Noted[]
  /** Settles when that many errors were logged. */
  noted(count: number): Promise<void>
  /** Dead letters, as they were published. */
  readonly dead: readonly DeadLetter[]
  /** Settles when that many dead letters were published. */
  deadLetters(count: number): Promise<readonly DeadLetter[]>
  /** Runs a program to its end. */
  exec(program: string, ...args: unknown[]): Promise<unknown>
}

export async function startKernel(options: KernelFixtureOptions): Promise<KernelFixture> {
  const registry = new Registry({
    kinds: [...processKinds, ...networkKinds, ...policyKinds],
    root: import.meta.dirname,
  })
  registry.add(
    ...options.programs.map((program) => programEntry(program, options.pins?.[program], options.accepts?.[program])),
  )
  registry.add(
    ...(options.overlays ?? []).map((id) => ({
      id: entryId(id),
      kind: 'network.socks5',
      fields: {
        host: '127.0.0.1',
        port: options.proxyPort ?? 9,
        ...(options.isolate?.[id] && { isolate: options.isolate[id] }),
      },
    })),
  )
  registry.add(
    ...Object.entries(options.policies ?? {}).map(([id, fields = {}]) => ({
      id: entryId(id),
      kind: 'expression' in fields ? 'security.policy.expr' : 'security.policy',
      fields,
    })),
  )
  const overlays = new OverlayTable(registry)
  for (const id of options.overlays ?? []) await overlays.add(entryId(id))
  const log: string[] = []
  const notes: Noted[] = []
  const failures = new Arrivals()
  const onLog: Log = (message, note = {}) => {
    log.push(message)
    notes.push({ message, note })
    if (note.level === 'error') failures.arrived()
  }
  const security = new Security({
    policies: compilePolicies(registry),
    strictMode: options.strictMode ?? false,
    variables: (name) => registry.env.namesOf(name),
    log: onLog,
  })
  const kernel = new Kernel({
    registry,
    overlays,
    security,
    preload: [],
    log: onLog,
    defaultOverlay: options.defaultOverlay,
  })
  const host = kernel.hosts.create(hostId, { isolation: testedIsolation, spares: 0, queueSize: 1024, ...options.host })
  kernel.hosts.add(host)
  const leave = joinProgram(kernel.runtime)
  const graveyard = new Graveyard()
  return {
    kernel,
    host,
    log,
    notes,
    noted: async (count) => failures.atLeast(count),
    dead: graveyard.envelopes,
    deadLetters: async (count) => graveyard.atLeast(count),
    exec: async (program, ...args) => processes.exec(idOf(program), hostId, ...args),
    async [Symbol.asyncDispose]() {
      graveyard[Symbol.dispose]()
      await kernel[Symbol.asyncDispose]()
      await overlays[Symbol.asyncDispose]()
      leave()
    },
  }
}

/** The entry of a program. */
export function idOf(program: string): EntryId {
  return entryId(program, 'app')
}

function programEntry(program: string, network: string | null | undefined, accepts?: 'any' | readonly string[]) {
  const [file = '', method = ''] = program.split('.')
  return {
    id: idOf(program),
    kind: 'process.ts',
    fields: { source: `file://programs/${file}.ts`, method, ...(accepts !== undefined && { accepts }) },
    ...(network !== undefined && { meta: { options: { network } } }),
  }
}

class Arrivals {
  #count = 0
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  arrived(): void {
    this.#count += 1
    for (const { count, resolve } of this.#waiting) if (this.#count >= count) resolve()
  }

  async atLeast(count: number): Promise<void> {
    if (this.#count >= count) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ count, resolve })
    await promise
  }
}

class Graveyard implements Disposable {
  readonly envelopes: DeadLetter[] = []
  readonly #waiting: { readonly count: number; readonly resolve: (envelopes: readonly DeadLetter[]) => void }[] = []

  constructor() {
    deadLetterChannel.subscribe(this.#bury)
  }

  async atLeast(count: number): Promise<readonly DeadLetter[]> {
    if (this.envelopes.length >= count) return this.envelopes
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve })
    })
  }

  readonly #bury = (envelope: unknown) => {
    if (!isLetter(envelope)) return
    this.envelopes.push(envelope)
    for (const { count, resolve } of this.#waiting) if (this.envelopes.length >= count) resolve(this.envelopes)
  };

  [Symbol.dispose](): void {
    deadLetterChannel.unsubscribe(this.#bury)
  }
}

function isLetter(value: unknown): value is DeadLetter {
  return typeof value === 'object' && value !== null && 'topic' in value
}
