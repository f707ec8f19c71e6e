/** What a test leaves behind. */

/** Kinds of handles that threads, ports and timers are. */
const ours = new Set(['MessagePort', 'Worker', 'Timeout', 'Immediate', 'WorkerThread'])

/** Ports, workers and timers that keep this program alive now. */
export function activeResources(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => ours.has(name))
}
