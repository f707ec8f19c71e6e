/** The application's variables: `env.variable` entries over their storages, then those of the operating system. */
import { ask } from '@troupe/process'

/**
 * The variables of the application (`env.variable` entries), as far as the caller has permission.
 *
 * @example
 * ```ts
 * const key = await env.get('API_KEY')
 * ```
 */
export const env = {
  /**
   * Returns the value of a variable; `undefined` when it is not set and has no default.
   *
   * @example
   * ```ts
   * const key = (await env.get('API_KEY')) ?? ''
   * ```
   */
  async get(name: string): Promise<string | undefined> {
    return ask('getEnv', { name })
  },

  /**
   * Sets a variable in its storage.
   *
   * @example
   * ```ts
   * await env.set('GREETING', 'hello')
   * ```
   *
   * @throws TroupeError `NotFound` when no `env.variable` has the name, `PermissionDenied` when it is read-only.
   */
  async set(name: string, value: string): Promise<void> {
    await ask('setEnv', { name, value })
  },
}
