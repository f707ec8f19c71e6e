/** A thread of one network that uses libraries: for each name that it is sent, it sends where the server saw it come from, or the error. */
import { parentPort, workerData } from 'node:worker_threads'
import { bindThreadNetwork, installGuard, provideNetworkAccess, type Route } from '@troupe/network'
import type { Servers } from './servers.ts'
import type { Sinks } from './sinks.ts'

/** What such a thread is started with. */
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
  route: async () => (route === undefined ? Promise.reject(new Error('this thread has no overlay')) : Promise.resolve(route)),
})
bindThreadNetwork({ overlay: route?.overlay ?? null })

const nothing = { [Symbol.asyncDispose]: async () => {} }
// As user code is: after the guard.
const { libraries } = await import('./libraries.ts')
const library = libraries({ ...servers, ...nothing }, { ...sinks, ...nothing })

parentPort?.on('message', (name: string) => {
  const use = library[name]?.use ?? (async () => Promise.reject(new Error(`there is no ${name}`)))
  use().then(
    (seen) => parentPort?.postMessage({ name, seen }),
    (error: unknown) => parentPort?.postMessage({ name, error: String(error) }),
  )
})
/** The test starts this thread with nothing else. */
function given(data: unknown): LibraryThreadData
function given(data: unknown): unknown {
  return data
}

parentPort?.postMessage({ names: Object.entries(library).map(([name, { pools = false }]) => [name, pools]) })
