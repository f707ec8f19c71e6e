/** `withNetwork`: a module in a thread of a network. This module is light: the kernel loads when it is called. */
import type { InNetwork } from './module-functions.ts'
import { moduleOf } from './module-of.ts'
import type { NetworkOptions } from './start-options.ts'

/**
 * Runs a module in a thread of a network: what it opens goes through the network, or fails.
 *
 * If its default export is a function, that is called, and its result is returned; then the thread ends. Otherwise its
 * exported functions are returned as async functions, which run in that thread until they are disposed of.
 *
 * @example
 * ```ts
 * const titles = await withNetwork('socks5://127.0.0.1:9050', () => import('./job.ts'))
 *
 * await using pages = await withNetwork('socks5://127.0.0.1:9050', () => import('./pages.ts'))
 * await pages.load('https://example.org/')
 * ```
 *
 * @param network - The URL or the fields of a network; in a program with an application, also the name or id of one of
 *   its networks; `null` for the clear network.
 * @param load - The URL of the module, or a function that does nothing but import it: it is not called.
 * @throws what the module threw; TroupeError `Invalid` for another function, for a network that is none or that the
 *   application does not have, and in a thread of an application.
 */
export async function withNetwork<Module>(
  network: NetworkOptions | null,
  load: URL | (() => Promise<Module>),
): Promise<InNetwork<Module>> {
  // Before anything is awaited: the stack names the caller.
  const module = moduleOf(load, 'withNetwork', import.meta.url)
  const { runInNetwork } = await import('./run-in-network.ts')
  return runInNetwork<Module>(network, module)
}
