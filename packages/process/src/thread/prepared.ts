/** The entry point of a worker that is started before the kernel is loaded: loads the runtime when it may. */
import { workerData } from 'node:worker_threads'

const given: unknown = workerData
const released = typeof given === 'object' && given !== null && 'released' in given ? given.released : undefined
if (released instanceof Int32Array) Atomics.wait(released, 0, 0)
await import(new URL(`./main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href)
