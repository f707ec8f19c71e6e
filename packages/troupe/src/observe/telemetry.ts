/** Sets up the spans of an application: in the thread of the program now, and in each thread when it starts. */
import { type Kernel, observeGc, setTelemetry, telemetryReady, useRegisteredSdk } from '@troupe/process/kernel'
import type { AppConfig } from '@troupe/registry'
import { pathToFileURL } from 'node:url'

/**
 * Loads the module of the section `telemetry`. Without one, a program that has set up an SDK by itself has spans in its
 * own thread.
 */
export async function prepareTelemetry(kernel: Kernel, { telemetry }: AppConfig): Promise<void> {
  if (telemetry === undefined) {
    await useRegisteredSdk()
    return
  }
  const settings = { module: pathToFileURL(telemetry.module).href, begin: telemetry.begin }
  kernel.threads.telemetry = settings
  setTelemetry(settings)
  await telemetryReady()
}

/** Counts the garbage collections of all threads until the result is disposed of, where there are metrics. */
export function countGarbageCollections(kernel: Kernel, { metrics }: AppConfig): AsyncDisposable | undefined {
  if (metrics === undefined) return undefined
  kernel.threads.gc = true
  return observeGc()
}
