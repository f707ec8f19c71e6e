/** The functions of a module, called on a pool of threads. */
import { startTimer, stopTimer, TroupeError, unavailable } from '@troupe/core'
import { funcs } from '@troupe/functions'
import { extname } from 'node:path'
import { checkOptions } from './given-options.ts'
import { startName } from './module-program.ts'
import { programId, sourceOf } from './names.ts'
import type { Lease, OwnEntries } from './own-entries.ts'
import type { FunctionOptions } from './start-options.ts'

type AsyncOf<Export> = Export extends (...args: infer Arguments) => infer Result
  ? (...args: Arguments) => Promise<Awaited<Result>>
  : never

/** The exported functions of a module, as async functions. Other exports are absent. */
export type ModuleFunctions<Module> = {
  readonly [Name in keyof Module as Module[Name] extends (...args: never) => unknown ? Name : never]: AsyncOf<
    Module[Name]
  >
} & AsyncDisposable

/** What `withNetwork` returns: the result of the module's default function, or its functions. */
export type InNetwork<Module> = Module extends { readonly default: (...args: never) => infer Result }
  ? Awaited<Result>
  : ModuleFunctions<Module>

/** Options of `app.functions`: the threads of the pool, and their network. */
export type ModuleOptions = Exclude<NonNullable<FunctionOptions['pool']>, 'inline'> &
  Pick<FunctionOptions, 'network' | 'meta'>

/** Milliseconds for which calls that run may go on when their object is disposed of. */
const patience = 10_000
/** What JavaScript itself reads of objects: of a promise, and of a value that becomes text. */
const ofObjects: ReadonlySet<string> = new Set(['then', 'toString', 'valueOf', 'toJSON'])

const program = new URL(`./module-program${extname(import.meta.filename)}`, import.meta.url)

/** The outcome of the start of a module: the result of its default function, if it has one. */
type Started = { readonly value: unknown } | { readonly functions: readonly string[] }

/** @throws TroupeError `Invalid` for anything but the URL of a file. */
export function moduleFunctions<Module>(
  entries: OwnEntries,
  module: URL | string,
  options?: ModuleOptions,
): ModuleFunctions<Module> {
  const calls = callableModule(entries, module, options)
  return calls.functions<Module>(async () => calls.dispose())
}

/** @throws TroupeError `Invalid` for anything but the URL of a file. */
export function callableModule(
  entries: OwnEntries,
  module: URL | string,
  moduleOptions: ModuleOptions = {},
): CallableModule {
  sourceOf(module, 'functions')
  checkOptions(moduleOptions, 'functions: options')
  const { network, meta = {}, ...pool } = moduleOptions
  const url = String(module)
  const options = network === undefined ? {} : { options: { network: pinOf(network) } }
  const entry = { kind: 'function.ts', source: sourceOf(program, 'functions'), pool }
  const entryMeta = { ...meta, module: url, ...options }
  return new CallableModule(url, entries, async () =>
    entries.acquire({ ...entry, method: 'callExport', meta: entryMeta }),
  )
}

function pinOf(network: string | null): string | null {
  return network === null ? null : programId(network, 'functions: network')
}

/** Turns names into functions. */
class Exports implements ProxyHandler<object> {
  readonly #calls: CallableModule
  readonly #functions = new Map<string | symbol, unknown>()

  constructor(calls: CallableModule, dispose: () => Promise<void>) {
    this.#calls = calls
    this.#functions.set(Symbol.asyncDispose, dispose)
  }

  get(_: object, name: string | symbol): unknown {
    if (this.#functions.has(name) || typeof name === 'symbol' || ofObjects.has(name)) return this.#functions.get(name)
    const call = async (...args: readonly unknown[]) => this.#calls.call(name, args)
    this.#functions.set(name, call)
    return call
  }

  set(): boolean {
    return false
  }
}

/** A module in a pool of threads. */
class CallableModule {
  readonly #module: string
  readonly #entries: OwnEntries
  readonly #acquire: () => Promise<Lease>
  readonly #ending = new AbortController()
  readonly #caller = funcs.withOptions({ signal: this.#ending.signal })
  #lease: Promise<Lease> | undefined
  /** The number of calls that run. */
  #running = 0
  #onIdle = () => {}
  #isDisposed = false

  constructor(module: string, entries: OwnEntries, acquire: () => Promise<Lease>) {
    this.#module = module
    this.#entries = entries
    this.#acquire = acquire
  }

  /** Returns its exports as async functions. @param dispose - Called when they are disposed of. */
  functions<Module>(dispose: () => Promise<void>): ModuleFunctions<Module> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller names the type of the module
    return new Proxy<object>({ __proto__: null }, new Exports(this, dispose)) as ModuleFunctions<Module>
  }

  /** Loads the module, and calls its default function, if it has one. */
  async start(): Promise<Started> {
    const value = await this.call(startName, [])
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the program of this package returns
    return value as Started
  }

  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isDisposed) throw unavailable(`${name} of ${this.#module}: its functions were disposed of`)
    this.#lease ??= this.#acquire()
    this.#running += 1
    try {
      const { id } = await this.#lease.catch((error: unknown) => {
        this.#lease = undefined
        throw error
      })
      return await this.#entries.run(async () => this.#caller.call(id, id, this.#module, name, ...args))
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#onIdle()
    }
  }

  /** @param limit - Milliseconds for which calls that run may go on. */
  async dispose(limit = patience): Promise<void> {
    if (this.#isDisposed) return
    this.#isDisposed = true
    await this.#settled(limit)
    this.#ending.abort()
    const lease = await this.#lease?.catch(() => undefined)
    await lease?.release().catch(ignoreStopped)
  }

  /** Resolves when no call runs, or after the time. */
  async #settled(limit: number): Promise<void> {
    if (this.#running === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle = resolve
    const timer = startTimer(resolve, limit)
    await promise
    stopTimer(timer)
  }
}

/** An application that stops removes nothing: all its entries end with it. */
export function ignoreStopped(error: unknown): void {
  if (!(error instanceof TroupeError && error.kind === 'Unavailable')) throw error
}
