/**
 * Loads the module that sets up an SDK of OpenTelemetry in a thread, when the thread has its network and before other
 * code of the application runs in it. From then on the thread makes spans.
 */
import { invalid, runOutsideSlots, setTracer, settledWithin } from '@troupe/core'
import type { TelemetrySettings } from '../protocol/telemetry-settings.ts'
import { beforeEnd } from '../thread/last-work.ts'
import { reportLoad } from '../thread/load-log.ts'
import type { Connection } from './open-telemetry.ts'

/** Milliseconds that the end of a thread waits for its spans to be exported. */
const exportPatience = 2000
/** Milliseconds that the first code of a thread waits for the module. */
const loadPatience = 30_000

let pending: TelemetrySettings | undefined
let loading: Promise<void> | undefined
let connection: Connection | undefined
/** Applications that run in this thread: the program's may contain several. */
let applications = 0

/** Sets what is loaded before the first code of the application. */
export function setTelemetry(settings: TelemetrySettings | undefined): void {
  pending = settings
}

/**
 * Settles when the module has been loaded; `undefined` where there is nothing to wait for. A module that fails is
 * reported, and the thread works without spans.
 */
export function telemetryReady(): Promise<void> | undefined {
  if (pending === undefined) return loading
  const settings = pending
  pending = undefined
  let isOver = false
  const work = runOutsideSlots(async () => load(settings))
    .catch((error: unknown) => {
      reportLoad(`this thread makes no spans: ${error instanceof Error ? error.message : String(error)}`)
    })
    .finally(() => {
      isOver = true
    })
  loading = settledWithin(work, loadPatience).then(() => {
    loading = undefined
    if (!isOver)
      reportLoad(
        `${settings.module} has not finished loading after ${loadPatience} ms: this thread makes no spans until it has`,
      )
  })
  return loading
}

/** Makes spans in this thread if its program has set up an SDK by itself. */
export async function useRegisteredSdk(): Promise<void> {
  if (connection !== undefined) return
  // Where no copy of its API was loaded, this one is not either.
  if (Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1')) === undefined) return
  const { connect } = await import('./open-telemetry.ts')
  begin(connect(), false)
}

/** Exports the spans of this thread, which is about to end; `undefined` where it makes none. Never rejects. */
function exportSpans(): Promise<void> | undefined {
  if (connection === undefined) return undefined
  const { flush } = connection
  // The exporter has reported what it could not send.
  const flushed = runOutsideSlots(async () => flush()).catch(() => undefined)
  return settledWithin(flushed, exportPatience)
}

/**
 * An application runs in this thread, until the returned function is called: that exports the spans of this thread.
 * After its last application it makes no more.
 */
export function joinTelemetry(): () => Promise<void> {
  applications += 1
  let hasLeft = false
  return async () => {
    if (hasLeft) return
    hasLeft = true
    applications -= 1
    await exportSpans()
    if (applications > 0) return
    setTracer(undefined)
    connection = undefined
  }
}

async function load(settings: TelemetrySettings): Promise<void> {
  const { connect, provideContexts } = await import('./open-telemetry.ts')
  // Before the SDK, which would provide its own.
  provideContexts()
  await import(settings.module)
  const made = connect()
  if (made === undefined)
    throw invalid(`${settings.module} registers no tracer provider: call trace.setGlobalTracerProvider() in it`)
  begin(made, settings.begin)
}

function begin(made: Connection | undefined, begins: boolean): void {
  connection = made
  if (made !== undefined) beforeEnd(exportSpans)
  setTracer(made?.start, begins)
}
