/** A nats-server of its own for a test, on loopback. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findNatsServer } from '@troupe/nats'
import { z } from 'zod'

const ready = z.object({ client: z.string() })

export interface NatsServer extends AsyncDisposable {
  /** Its address, without a scheme. */
  readonly address: string
}

/** @param configuration - Further text of its configuration. */
export async function startNatsServer(configuration = ''): Promise<NatsServer> {
  const { path } = await findNatsServer()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-nats-'))
  const file = join(folder, 'server.conf')
  const lines = ['host: "127.0.0.1"', 'port: -1', `jetstream { store_dir: "${folder}" }`, configuration]
  await writeFile(file, lines.join('\n'))
  // It ends when its standard input closes, so also when this program is killed.
  const child = spawn(path, ['-c', file], { stdio: ['pipe', 'pipe', 'ignore'] })
  const { promise, resolve } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).once('line', resolve)
  const { client } = ready.parse(JSON.parse(await promise))
  return {
    address: client.replace(/^nats:\/\//, ''),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
