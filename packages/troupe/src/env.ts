/** The application's variables: `env.variable` entries over their storages, else the operating system's. */
import { ask } from '@troupe/process'

export const env = {
  /** The value of a variable; `undefined` when it is not set and has no default. */
  async get(name: string): Promise<string | undefined> {
    return ask('getEnv', { name })
  },

  /** @throws TroupeError `NotFound` when no `env.variable` has the name, `PermissionDenied` when it is read-only. */
  async set(name: string, value: string): Promise<void> {
    await ask('setEnv', { name, value })
  },
}
