/** Stands between nodes and a server, and disturbs their connections. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export class Relay implements AsyncDisposable {
  readonly url: string
  readonly #server: ReturnType<typeof createServer>
  readonly #open: Set<Socket>
  /** Connections of nodes that are silent: nothing more of the server arrives in them. */
  readonly #silent: Set<Socket>
  #accepted = 0

  private constructor(server: ReturnType<typeof createServer>, url: string, target: URL) {
    this.#server = server
    this.url = url
    this.#open = new Set()
    this.#silent = new Set()
    server.on('connection', (node) => {
      this.#accepted += 1
      const upstream = connect({ host: target.hostname, port: Number(target.port) })
      this.#open.add(node)
      for (const [from, to] of [
        [node, upstream],
        [upstream, node],
      ] as const) {
        from.on('data', (data) => {
          if (!this.#silent.has(node)) to.write(data)
        })
        from.on('error', () => undefined)
        from.on('close', () => {
          this.#open.delete(node)
          to.destroy()
        })
      }
    })
  }

  /** To a server, by its address. */
  static async to(url: string): Promise<Relay> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const found = server.address()
    const port = typeof found === 'object' && found !== null ? found.port : 0
    return new Relay(server, `nats://127.0.0.1:${port}`, new URL(url))
  }

  /** How many connections nodes have opened. */
  get accepted(): number {
    return this.#accepted
  }

  /** From now on nothing passes in the connections that are open; they stay open. */
  silence(): void {
    for (const node of this.#open) this.#silent.add(node)
  }

  /** Sends bytes to the nodes, as if the server had. */
  inject(bytes: string): void {
    for (const node of this.#open) node.write(bytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#open) node.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
