/** A kernel with functions, and a program around it, for tests. */
import { entryId, runInSlot } from '@troupe/core'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Scope } from '@troupe/policy'
import { compilePolicies, policyKinds, Security } from '@troupe/policy/kernel'
import { joinProgram } from '@troupe/process'
import { Kernel, processKinds, ThreadHost } from '@troupe/process/kernel'
import { type EntryInput, Registry } from '@troupe/registry'
import { Functions } from '../kernel/functions.ts'
import { functionKinds } from '../kinds.ts'

export const host = entryId('app:host')

export interface TestApp extends AsyncDisposable {
  readonly kernel: Kernel
  readonly functions: Functions
  /** Runs `fn` as the program around the application. */
  run<T>(fn: () => T): T
}

export interface TestAppOptions {
  readonly entries: readonly EntryInput[]
  readonly grace?: number
}

/** Returns an entry for an export of `testing/programs.ts`. */
export function functionEntry(
  method: string,
  pool?: unknown,
  meta: Readonly<Record<string, unknown>> = {},
): EntryInput {
  const source = `file://${import.meta.dirname}/programs.ts`
  return {
    id: entryId(`app:${method}`),
    kind: 'function.ts',
    meta,
    fields: { source, method, ...(pool !== undefined && { pool }) },
  }
}

export function processEntry(method: string): EntryInput {
  return {
    id: entryId(`app:${method}`),
    kind: 'process.ts',
    fields: { source: `file://${import.meta.dirname}/programs.ts`, method },
  }
}

/** Policies that deny only the choice of an overlay. */
export const noChoice: readonly EntryInput[] = [
  { id: entryId('app:all'), kind: 'security.policy', fields: { actions: '*', resources: '*', effect: 'allow' } },
  {
    id: entryId('app:no_choice'),
    kind: 'security.policy',
    fields: { actions: 'network.select', resources: '*', effect: 'deny' },
  },
]

/** An actor in whose frame {@link noChoice} is in force. */
export const bound = { actor: { id: 'anna', meta: {} }, scope: new Scope(['app:all', 'app:no_choice']) }

export async function testApp({ entries, grace = 1000 }: TestAppOptions): Promise<TestApp> {
  const registry = new Registry({ kinds: [...processKinds, ...networkKinds, ...functionKinds, ...policyKinds] })
  registry.add(...entries)
  const overlays = new OverlayTable(registry)
  for (const { id } of registry.find({ kind: 'network.*' })) await overlays.add(id)
  const security = new Security({ policies: compilePolicies(registry), strictMode: false, log: () => undefined })
  const kernel = new Kernel({ registry, overlays, security, preload: [], log: () => undefined })
  kernel.hosts.add(
    new ThreadHost({
      id: host,
      settings: { isolation: 'thread', spares: 0, queueSize: 16, workers: 1 },
      threads: kernel.threads,
      moduleOf: (entry) => kernel.program(entry).program.module,
      defaultNetwork: () => undefined,
    }),
  )
  const functions = new Functions({ kernel, grace })
  const leave = joinProgram(kernel.runtime)
  return {
    kernel,
    functions,
    run: (fn) => runInSlot(kernel.runtime.root.slot(), fn),
    [Symbol.asyncDispose]: async () => {
      await functions[Symbol.asyncDispose]()
      await kernel[Symbol.asyncDispose]()
      await overlays[Symbol.asyncDispose]()
      leave()
    },
  }
}
