/** For tests: a scripted proxy that counts its connections, and records what each of them sent. */
import type { Socket } from 'node:net'
import { type Read, type Script, ScriptedProxy } from './scripted-proxy.ts'

export class CountedProxy implements AsyncDisposable {
  readonly #proxy: ScriptedProxy
  readonly #sockets: Socket[]
  readonly #said: Buffer[]

  private constructor(proxy: ScriptedProxy, sockets: Socket[], said: Buffer[]) {
    this.#proxy = proxy
    this.#sockets = sockets
    this.#said = said
  }

  static async start(script: Script, path?: string): Promise<CountedProxy> {
    const sockets: Socket[] = []
    const said: Buffer[] = []
    const proxy = await ScriptedProxy.start(async (socket, read) => {
      const at = sockets.push(socket) - 1
      said[at] = Buffer.alloc(0)
      const recorded: Read = async (bytes) => {
        const chunk = await read(bytes)
        said[at] = Buffer.concat([said[at] ?? chunk, chunk])
        return chunk
      }
      await script(socket, recorded)
    }, path)
    return new CountedProxy(proxy, sockets, said)
  }

  get port(): number {
    return this.#proxy.port
  }

  /** How many clients have connected. */
  get came(): number {
    return this.#sockets.length
  }

  /** What the client of that number, from 0, has sent and the script has read. */
  said(at: number): Buffer {
    return this.#said[at] ?? Buffer.alloc(0)
  }

  /** How many connections are open, and how many have come. */
  get counts(): readonly [open: number, came: number] {
    return [this.#proxy.open, this.#sockets.length]
  }

  /** The port of the client of that number. */
  portOf(at: number): number | undefined {
    return this.#sockets[at]?.remotePort
  }

  /** Ends all connections. */
  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
  }
}
