/** The connection between the kernel and a new thread, and what the thread is started with. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { counterMemory } from '@troupe/core'
import type { Network } from '../kernel/network/networks.ts'
import type { SharedThread, ThreadData } from '../protocol/thread-data.ts'
import type { TelemetrySettings } from '../protocol/telemetry-settings.ts'
import { Receipt } from '../shared-memory/credit.ts'
import { OutputLedger, type TerminalFacts } from '../shared-memory/output-ledger.ts'
import { openRouteEpoch } from '../shared-memory/route-epoch.ts'
import { toThread } from './thread.ts'

export interface ThreadPortOptions {
  readonly number: number
  /** @default assigned with its first work */
  readonly network?: Network
  readonly preload: readonly string[]
  readonly shared?: SharedThread
  readonly strict: boolean
  /** `dead_letters.payload` */
  readonly keptBytes: number
  readonly terminal: TerminalFacts
  /** Whether its environment contains only a part of the program's. @default false */
  readonly isEnvListed?: boolean
  /** Whether it has no network access of its own. */
  readonly sealed: boolean
  /** `network_service.native` */
  readonly native: readonly string[]
  readonly telemetry: TelemetrySettings | undefined
  /** Whether it counts its garbage collections. */
  readonly gc: boolean
}

/** The two ends of a runtime's connection: the kernel's end, and the thread's. */
export function threadPort(options: ThreadPortOptions): {
  readonly near: MessagePort
  readonly ledger: OutputLedger
  readonly addons: SharedArrayBuffer
  readonly receipt: Receipt
  readonly counters: SharedArrayBuffer
  readonly data: ThreadData
} {
  const { port1, port2 } = new MessageChannel()
  const { number, network, preload, shared, strict, keptBytes, terminal, sealed, native, telemetry } = options
  const ledger = new OutputLedger()
  const addons = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const receipt = new Receipt()
  const counters = counterMemory()
  return {
    near: port1,
    ledger,
    addons,
    receipt,
    counters,
    data: {
      thread: number,
      port: port2,
      credit: receipt.word,
      routeEpoch: openRouteEpoch(),
      preload,
      strict,
      keptBytes,
      streams: { terminal, ledger: ledger.buffer },
      sealed,
      addons,
      counters,
      native,
      // A sealed thread opens no connection by which spans could leave it.
      ...(telemetry && !sealed && { telemetry }),
      ...(options.gc && { gc: true }),
      ...(options.isEnvListed === true && { isEnvListed: true }),
      ...(shared && { shared }),
      ...(network && { network: toThread(network) }),
    },
  }
}
