/** `start`: an application in code. This module is light: the kernel loads when a program starts an application. */
import type { App } from './app.ts'
import type { StartOptions } from './start-options.ts'

/**
 * Starts an application that code defines, without YAML. Each name becomes an entry `app:<name>`.
 *
 * @example
 * ```ts
 * await using app = await start({
 *   networks: { tor: 'socks5://127.0.0.1:9050' },
 *   functions: { resize: { source: new URL('./images.ts', import.meta.url), method: 'resize', network: 'tor' } },
 *   services: { crawler: { source: new URL('./crawler.ts', import.meta.url), network: 'tor' } },
 * })
 * await funcs.call('app:resize', 'cat.png')
 * ```
 *
 * @throws TroupeError `Invalid` with all that is wrong; `AlreadyExists` when another application runs in this program,
 *   and the program in an overlay of it.
 */
export async function start(options: StartOptions = {}): Promise<App> {
  const { startApplication } = await import('./app.ts')
  return startApplication(options)
}
