/** A kernel with a supervisor over entries, as an application has it. One at a time in a test file. */
import { type EntryId, entryId } from '@troupe/core'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import {
  Kernel,
  processKinds,
  type ServiceStatus,
  serviceChannel,
  ServiceSupervisor,
  RunningSupervisors,
  servicesOf,
} from '../../kernel.ts'
import { joinProgram } from '../../thread/current.ts'
import { States } from './states.ts'

/** Entries by name: kind and fields, as YAML has them. */
export type Entries = Readonly<Record<string, { readonly kind: string } & Readonly<Record<string, unknown>>>>

export interface TestApplication extends AsyncDisposable {
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
  readonly states: States
  readonly log: readonly string[]
}

const programs = { adder: 'addChild', ask: 'ask', child: 'main', stubborn: 'stubborn', member: 'member', ear: 'ear' }

/**
 * @param entries - Beside the host `app:host` and the programs of `programs/child.ts`.
 * @param pins - Overlays that entries are pinned to.
 */
export async function startApplication(
  entries: Entries,
  pins: Readonly<Record<string, string | null>> = {},
): Promise<TestApplication> {
  const registry = new Registry({ kinds: [...processKinds, ...networkKinds], root: import.meta.dirname })
  const all: Entries = {
    host: { kind: 'process.host', lifecycle: { auto_start: true } },
    ...Object.fromEntries(
      Object.entries(programs).map(([name, method]) => [
        name,
        { kind: 'process.ts', source: 'file://programs/child.ts', method },
      ]),
    ),
    ...entries,
  }
  registry.add(
    ...Object.entries(all).map(([name, { kind, ...fields }]) => {
      const network = pins[name]
      return { id: id(name), kind, fields, ...(network !== undefined && { meta: { options: { network } } }) }
    }),
  )
  const lines: string[] = []
  const log = (line: string) => {
    lines.push(line)
  }
  const overlays = new OverlayTable(registry)
  const kernel = new Kernel({ registry, overlays, preload: [], log })
  const leave = joinProgram(kernel.runtime)
  const states = new States()
  const onService = (status: unknown) => {
    if (isStatus(status)) states.record(status)
  }
  serviceChannel.subscribe(onService)
  await using unless = new AsyncDisposableStack()
  unless.defer(leave)
  unless.defer(async () => kernel[Symbol.asyncDispose]())
  const supervisor = new ServiceSupervisor({
    graph: registry.graph(),
    services: servicesOf(kernel, new RunningSupervisors({ kernel, log })),
    log,
  })
  await supervisor.startAll()
  unless.move()
  return {
    kernel,
    supervisor,
    states,
    log: lines,
    async [Symbol.asyncDispose]() {
      await supervisor.stopAll()
      serviceChannel.unsubscribe(onService)
      await kernel[Symbol.asyncDispose]()
      leave()
    },
  }
}

export function id(name: string): EntryId {
  return entryId(name, 'app')
}

function isStatus(value: unknown): value is ServiceStatus {
  return typeof value === 'object' && value !== null && 'state' in value
}
