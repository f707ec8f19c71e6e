/**
 * A thread of one network that uses libraries. For each name that it receives, it sends the address that the server
 * saw, or the error.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { bindThreadNetwork, installGuard, provideNetworkAccess, type Route } from '@troupe/network'
import type { Servers } from './servers.ts'
import type { Sinks } from './sinks.ts'

/** The data that such a thread is started with. */
export interface LibraryThreadData {
  /** None: the clear network. */
  readonly route: Route | undefined
  readonly servers: Omit<Servers, keyof AsyncDisposable>
  readonly sinks: Omit<Sinks, keyof AsyncDisposable>
}

const { route, servers, sinks } = given(workerData)
installGuard()
provideNetworkAccess({
  select: async () => {},
  route: async () =>
    route === undefined ? Promise.reject(new Error('this thread has no overlay')) : Promise.resolve(route),
})
bindThreadNetwork({ overlay: route?.overlay ?? null })

const nothing = { [Symbol.asyncDispose]: async () => {} }
// After the guard, as user code is.
const { libraries } = await import('./libraries.ts')
const library = libraries({ ...servers, ...nothing }, { ...sinks, ...nothing })

parentPort?.on('message', (name: string) => {
  const use = library[name]?.use ?? (async () => Promise.reject(new Error(`there is no ${name}`)))
  use().then(
    (seen) => parentPort?.postMessage({ name, seen }),
    (error: unknown) => parentPort?.postMessage({ name, error: String(error) }),
  )
})
/** The test starts this thread without other modules. */
function given(data: unknown): LibraryThreadData
function given(data: unknown): unknown {
  return data
}

parentPort?.postMessage({ names: Object.entries(library).map(([name, { pools = false }]) => [name, pools]) })
