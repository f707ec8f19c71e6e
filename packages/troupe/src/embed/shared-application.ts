/** The application of programs that have none of their own: it runs as long as something in it is used. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Application, runningApplication } from '../app.ts'
import { startApplication } from './app.ts'

/** An application, until it is released. */
export interface ApplicationLease {
  readonly application: Application
  readonly release: () => Promise<void>
}

interface Running {
  readonly started: Promise<Hidden>
  users: number
}

interface Hidden {
  readonly application: Application
  readonly stop: () => Promise<void>
}

export class SharedApplication {
  #running: Running | undefined
  #stopping: Promise<void> = Promise.resolve()

  /**
   * Returns the application in which the caller acts, if there is one, or else one that stops with its last user.
   *
   * @param isNamed - Whether the caller names something in its application.
   * @throws TroupeError `Invalid` when that may be one of several.
   */
  async acquire(isNamed: boolean): Promise<ApplicationLease> {
    const own = applicationOf(isNamed)
    if (own !== undefined) return { application: own, release: async () => undefined }
    await this.#stopping
    const running = (this.#running ??= { started: startHidden(), users: 0 })
    running.users += 1
    try {
      const { application } = await running.started
      return { application, release: async () => this.#release(running) }
    } catch (error) {
      if (this.#running === running) this.#running = undefined
      throw error
    }
  }

  async #release(running: Running): Promise<void> {
    running.users -= 1
    if (running.users > 0) return
    this.#running = undefined
    this.#stopping = running.started.then(async ({ stop }) => stop())
    await this.#stopping
  }
}

function applicationOf(isNamed: boolean): Application | undefined {
  try {
    return runningApplication()
  } catch (error) {
    if (isNamed) throw error
    return undefined
  }
}

async function startHidden(): Promise<Hidden> {
  const folder = await mkdtemp(join(tmpdir(), `troupe-program-${process.pid}-`))
  const remove = async () => rm(folder, { recursive: true, force: true })
  try {
    const config = { log: { level: 'warn' } } as const
    const app = await startApplication({ root: folder, network: null, ambient: false, config })
    return {
      application: app.application,
      stop: async () => {
        await app.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
