/** A kernel that handles connections and tokens. One at a time in a test file: the runtime belongs to the thread. */
import { type EntryId, entryId, runInSlot } from '@troupe/core'
import { functionKinds } from '@troupe/functions/kernel'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { compilePolicies, policyKinds, Security } from '@troupe/policy/kernel'
import { joinProgram } from '@troupe/process'
import { Kernel, processKinds } from '@troupe/process/kernel'
import { type EntryInput, Registry } from '@troupe/registry'
import { httpKinds } from '../kernel.ts'
import { TokenStoreTable } from '../tokens/store-table.ts'
import { answerConnections } from '../connections/connections.ts'

export const hostId: EntryId = entryId('app:host')

export interface TestKernelOptions {
  readonly entries?: readonly EntryInput[]
  /** Folder that files of entries are relative to. */
  readonly root: string
}

export interface TestKernel extends AsyncDisposable {
  readonly kernel: Kernel
  readonly registry: Registry
  readonly connections: ReturnType<typeof answerConnections>
  readonly log: readonly string[]
  /** Runs `fn` as the program that holds the kernel. */
  run<T>(fn: () => T): T
}

export async function startKernel({ entries = [], root }: TestKernelOptions): Promise<TestKernel> {
  const registry = new Registry({
    kinds: [...processKinds, ...networkKinds, ...policyKinds, ...functionKinds, ...httpKinds],
    root,
  })
  registry.add(...entries)
  const log: string[] = []
  const onLog = (line: string) => log.push(line)
  const overlays = new OverlayTable(registry)
  const security = new Security({ policies: compilePolicies(registry), strictMode: false, log: onLog })
  const kernel = new Kernel({ registry, overlays, security, preload: [], log: onLog })
  kernel.hosts.add(kernel.hosts.create(hostId, { isolation: 'shared', workers: 1, spares: 0, queueSize: 16 }))
  const leave = joinProgram(kernel.runtime)
  const tokens = new TokenStoreTable({ kernel, root })
  const connections = answerConnections({ kernel, tokens })
  return {
    kernel,
    registry,
    connections,
    log,
    run: (fn) => runInSlot(kernel.runtime.root.slot(), fn),
    async [Symbol.asyncDispose]() {
      await kernel[Symbol.asyncDispose]()
      await tokens[Symbol.asyncDispose]()
      await overlays[Symbol.asyncDispose]()
      leave()
    },
  }
}
