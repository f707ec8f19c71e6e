/** `servers: embedded`: a nats-server for this node alone, on loopback, that ends with the application. */
import { randomBytes } from 'node:crypto'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import {
  holdFile,
  invalid,
  privateFolderFault,
  settledWithin,
  TroupeError,
  unavailable,
  withDeadline,
} from '@troupe/core'
import { startProgram } from '@troupe/network/kernel'
import { z } from 'zod'
import { natsPackage } from './nats-package.ts'

const startTimeout = 60_000
const stopTimeout = 5_000
const keptLines = 5
const secretBytes = 32
/** Variables that the server gets of this program. It gets no others, because one may contain a key. */
const environment = ['GOMEMLIMIT', 'HOME', 'LANG', 'PATH', 'TMPDIR']
const ready = z.object({ client: z.string(), version: z.string() })

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export class EmbeddedServer implements AsyncDisposable {
  readonly url: string
  readonly user = 'troupe'
  readonly password: string
  /** Settles when it has ended, with its last words. */
  readonly ended: Promise<string>
  readonly #child: Child
  readonly #lock: Disposable

  private constructor(url: string, password: string, child: Child, ended: Promise<string>, lock: Disposable) {
    this.url = url
    this.password = password
    this.ended = ended
    this.#child = child
    this.#lock = lock
  }

  /**
   * Starts it, with its files in a folder of its own.
   *
   * @throws TroupeError `Unavailable` when it is not installed or does not start; `AlreadyExists` when another
   *   application uses the folder; `Invalid` for a folder that others can enter.
   */
  static async start(folder: string): Promise<EmbeddedServer> {
    const { path } = await (await natsPackage()).findNatsServer()
    const fault = privateFolderFault(folder)
    if (fault !== undefined) throw invalid(`the folder ${folder} of the embedded server cannot be used: ${fault}`)
    const lock = await holdFile(join(folder, 'lock'))
    if (lock === undefined)
      throw new TroupeError('AlreadyExists', `another application runs an embedded server in ${folder}`, {
        retryable: false,
        details: { folder },
      })
    const password = randomBytes(secretBytes).toString('base64url')
    const file = join(folder, 'server.conf')
    try {
      await rm(file, { force: true })
      await writeFile(file, configuration(folder, password), { mode: 0o600, flag: 'wx' })
      const env = Object.fromEntries(
        environment.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
      )
      const child = startProgram(() => spawn(path, ['-c', file], { env, stdio: ['pipe', 'pipe', 'pipe'] }))
      const words: string[] = []
      createInterface({ input: child.stderr }).on('line', (line) => {
        words.push(line)
        if (words.length > keptLines) words.shift()
      })
      child.stdin.on('error', () => undefined)
      const ended = once(child, 'close').then(
        () => words.join('\n'),
        (error: unknown) => String(error),
      )
      const client = await withDeadline(Promise.race([address(child), failure(ended)]), startTimeout, () =>
        unavailable(`the embedded server did not start within ${startTimeout} ms`),
      ).catch((error: unknown) => {
        child.kill('SIGKILL')
        throw error
      })
      return new EmbeddedServer(client, password, child, ended, lock)
    } catch (error) {
      lock[Symbol.dispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It ends when its standard input closes; so it also ends when this program is killed.
    this.#child.stdin.end()
    await settledWithin(this.ended, stopTimeout)
    this.#child.kill('SIGKILL')
    await this.ended
    this.#lock[Symbol.dispose]()
  }
}

async function address({ stdout }: Child): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  createInterface({ input: stdout }).once('line', resolve)
  return ready.parse(JSON.parse(await promise)).client
}

async function failure(ended: Promise<string>): Promise<never> {
  throw unavailable(`the embedded server ended at its start: ${await ended}`)
}

function configuration(folder: string, password: string): string {
  return JSON.stringify({
    host: '127.0.0.1',
    port: -1,
    jetstream: { store_dir: join(folder, 'jetstream'), sync_interval: 'always' },
    authorization: { users: [{ user: 'troupe', password }] },
    logtime: false,
  })
}
