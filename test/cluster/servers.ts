/** NATS servers for a test: one alone, or several that replicate. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { natsProgram } from '../peers/nats.ts'

interface RunningServer {
  readonly name: string
  readonly url: string
  readonly process: ChildProcess
}

export interface ServersOptions {
  readonly count: 1 | 3
  /** Further settings of each server. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Further text of the configuration of each server. */
  readonly configuration?: string
  readonly host?: string
  /** Port of the first. @default a free one */
  readonly port?: number
}

export class Servers implements AsyncDisposable {
  readonly urls: readonly string[]
  readonly #folder: string
  readonly #running: readonly RunningServer[]

  private constructor(folder: string, running: readonly RunningServer[]) {
    this.#folder = folder
    this.#running = running
    this.urls = running.map(({ url }) => url)
  }

  /** Starts them, and waits until JetStream works. */
  static async start(options: ServersOptions): Promise<Servers> {
    const { count, settings = {}, configuration = '', host = '127.0.0.1', port: first } = options
    const folder = await mkdtemp(join(tmpdir(), 'troupe-nats-'))
    const ports = await freePorts(count * 2, host)
    const routes = ports.slice(count).map((port) => `nats://${host}:${port}`)
    const running = await Promise.all(
      ports.slice(0, count).map(async (free, index) => {
        const port = index === 0 ? (first ?? free) : free
        const name = `n${index}`
        const file = join(folder, `${name}.conf`)
        const shared = { host, port, server_name: name, jetstream: { store_dir: join(folder, name) }, ...settings }
        const cluster = { name: 'test', host, port: ports[count + index], routes, pool_size: -1 }
        const lines = Object.entries(count === 1 ? shared : { ...shared, cluster }).map(
          ([key, value]) => `${key}: ${JSON.stringify(value)}\n`,
        )
        await writeFile(file, lines.join('') + configuration)
        return startServer(name, `nats://${host}:${port}`, file)
      }),
    )
    const servers = new Servers(folder, running)
    const isOpen = settings['authorization'] === undefined && settings['tls'] === undefined
    if (isOpen && configuration === '') await servers.#jetStream()
    return servers
  }

  /** A connection of the test's own. */
  async connect(): Promise<NatsConnection> {
    return connect({ servers: this.urls.map((url) => url.replace('nats://', '')), maxReconnectAttempts: -1 })
  }

  /** Adds a stream that keeps so many messages of each subject. */
  async addStream(name: string, subjects: string, history: number): Promise<void> {
    const connection = await this.connect()
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name, subjects: [subjects], max_msgs_per_subject: history })
    await connection.close()
  }

  /** Kills the server that leads a stream. */
  async killLeader(stream: string): Promise<string> {
    const leader = await this.#leader(stream)
    leader.process.kill('SIGKILL')
    return leader.name
  }

  /** Kills the server with that address. */
  async kill(url: string): Promise<void> {
    const server = this.#running.find((each) => url.endsWith(each.url.replace(/^nats:\/\//, '')))
    if (server === undefined) throw new Error(`there is no server ${url}`)
    server.process.kill('SIGKILL')
  }

  /** Stops all others (SIGSTOP), so that no write is accepted until they continue. */
  async stopFollowers(stream: string) {
    const leader = await this.#leader(stream)
    const others = this.#running.filter((server) => server !== leader)
    for (const { process: child } of others) child.kill('SIGSTOP')
    return {
      killLeader: () => leader.process.kill('SIGKILL'),
      continue: () => {
        for (const { process: child } of others) child.kill('SIGCONT')
      },
    }
  }

  async #leader(stream: string): Promise<RunningServer> {
    const connection = await this.connect()
    const manager = await jetstreamManager(connection)
    const { cluster } = await manager.streams.info(stream)
    await connection.close()
    const leader = this.#running.find(({ name }) => name === cluster?.leader)
    if (leader === undefined) throw new Error(`${stream} has no leader`)
    return leader
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#running.map(async ({ process: child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const closed = once(child, 'exit')
        child.kill('SIGKILL')
        await closed
      }),
    )
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Repeats a question: the servers do not report when they have elected a leader. */
  async #jetStream(): Promise<void> {
    const connection = await this.connect()
    for (let attempt = 0; ; attempt += 1) {
      try {
        await (await jetstreamManager(connection)).getAccountInfo()
        break
      } catch (error) {
        if (attempt > 100) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    await connection.close()
  }
}

async function startServer(name: string, url: string, file: string): Promise<RunningServer> {
  // Its standard input closes when this program ends, however it ends: then the server ends too.
  const child = spawn(natsProgram, ['-c', file], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
  const ready = once(createInterface({ input: child.stdout }), 'line').then(() => undefined)
  const ended = once(child, 'exit').then(() => {
    throw new Error(`nats-server ${name} ended:\n${lines.slice(-5).join('\n')}`)
  })
  ended.catch(() => undefined)
  await Promise.race([ready, ended])
  return { name, url, process: child }
}

/** Ports that are free now. */
export async function freePorts(count: number, host: string): Promise<readonly number[]> {
  const listeners = await Promise.all(
    Array.from({ length: count }, async () => {
      const listener = createServer().listen(0, host)
      await once(listener, 'listening')
      return listener
    }),
  )
  return Promise.all(
    listeners.map(async (listener) => {
      const found = listener.address()
      listener.close()
      await once(listener, 'close')
      return typeof found === 'object' && found !== null ? found.port : 0
    }),
  )
}
