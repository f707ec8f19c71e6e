/** The program's standard input, read only when a process requests it: unread input stays for the next program. */
export class Input {
  #chunks: AsyncIterator<unknown> | undefined

  /** The next bytes; `undefined` at the end. */
  readonly next = async (): Promise<Uint8Array | undefined> => {
    this.#chunks ??= process.stdin.iterator({ destroyOnReturn: false })
    const step = await this.#chunks.next()
    const chunk: unknown = step.value
    return step.done !== true && chunk instanceof Uint8Array ? chunk : undefined
  }
}
