/** A node whose processes do what the test asks for. */
import { z } from 'zod'
import { NodeProcess } from './node-process.ts'
import type { Servers } from './servers.ts'

export class TalkingNode implements AsyncDisposable {
  readonly name: string
  readonly process: NodeProcess
  readonly #incarnation: string
  #last = 0

  private constructor(name: string, process: NodeProcess, incarnation: number) {
    this.name = name
    this.process = process
    this.#incarnation = incarnation.toString(16)
  }

  static async start(servers: Servers, name: string, more: object = {}, entries: readonly unknown[] = []) {
    const { urls } = servers
    const own = { name: 'shop', node: name, servers: urls, network: null, lease: '5s', replicas: urls.length }
    const process = await NodeProcess.start({ cluster: { ...own, ...more }, entries, program: 'talking-node.ts' })
    await process.booted()
    for (const host of ['app:threads', 'app:shared'])
      await process.until(({ log }) => (log === `${host} Running` ? true : undefined))
    const { incarnation } = await process.event('joined', name)
    return new TalkingNode(name, process, incarnation)
  }

  /** Starts a process, and returns its pid as this node writes it. */
  async spawn(host: 'threads' | 'shared' = 'threads'): Promise<string> {
    return String(await this.#ask(undefined, host, undefined))
  }

  /** The pid of a process of this node, as other nodes write it. */
  remote(pid: string): string {
    return `<${this.name}~${this.#incarnation}|${pid.slice(1)}`
  }

  /** Asks a process of this node to do something, and returns its reply. */
  async tell(pid: string, topic: string, payload: unknown = {}): Promise<unknown> {
    return this.#ask(pid, topic, payload)
  }

  /** Asks a process again and again, until its reply is as wanted. */
  async until(pid: string, topic: string, isDone: (value: readonly unknown[]) => boolean): Promise<readonly unknown[]> {
    for (;;) {
      const value = z.array(z.unknown()).parse(await this.tell(pid, topic))
      if (isDone(value)) return value
    }
  }

  /** The address of the server to which this node is connected. */
  async server(): Promise<string> {
    return String(await this.#ask(undefined, 'server', undefined))
  }

  /** The number of dead letters of this node. */
  async deadLetters(): Promise<number> {
    return Number(await this.#ask(undefined, 'dead', undefined))
  }

  /** Asks it without waiting for the reply. */
  order(pid: string, topic: string, payload: unknown = {}): void {
    this.#last += 1
    this.process.child.stdin.write(`${JSON.stringify({ id: this.#last, to: pid, topic, payload })}\n`)
  }

  async #ask(to: string | undefined, topic: string, payload: unknown): Promise<unknown> {
    this.#last += 1
    const id = this.#last
    this.process.child.stdin.write(`${JSON.stringify({ id, to, topic, payload })}\n`)
    const { value, error } = await this.process.until(({ answer }) => (answer?.id === id ? answer : undefined))
    if (error !== undefined) throw new Error(error)
    return value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }
}

/** Two nodes that know each other. */
export async function twoNodes(stack: AsyncDisposableStack, servers: Servers) {
  const [a, b] = await Promise.all(['a', 'b'].map(async (name) => stack.use(await TalkingNode.start(servers, name))))
  if (a === undefined || b === undefined) throw new Error('two nodes were started')
  await a.process.event('joined', 'b')
  await b.process.event('joined', 'a')
  return { a, b }
}
