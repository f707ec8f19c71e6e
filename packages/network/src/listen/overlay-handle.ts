/** What a `net.Server` holds in place of a native handle, when its connections come from an overlay. */
import { keepAlive } from '@troupe/core'
import { isIP } from 'node:net'
import { constants } from 'node:os'
import type { Target } from '../overlay/overlay.ts'

const notBound = -constants.errno.EINVAL

/** Answers to what Node asks of the handle of a server that listens. */
export class OverlayHandle {
  /** Which tells where the server is reached, once that is known. */
  listener: { readonly address: Target } | undefined
  readonly #onClose: () => void
  /** A server that listens keeps its thread alive, and may be told not to. */
  readonly #alive = keepAlive()

  constructor(onClose: () => void) {
    this.#onClose = onClose
  }

  close(done?: () => void): void {
    this.#alive.stop()
    this.#onClose()
    if (done) process.nextTick(done)
  }

  ref(): void {
    this.#alive.ref()
  }

  unref(): void {
    this.#alive.unref()
  }

  hasRef(): boolean {
    return this.#alive.hasRef()
  }

  /** Fills `out` as the native method does. */
  getsockname(out: object): number {
    const { address } = this.listener ?? {}
    return address === undefined ? notBound : fillAddress(out, address.host, address.port)
  }
}

/** A place of an overlay, in the words of Node, as its handles answer. What is no IP address has no family. */
export function fillAddress(out: object, address: string, port: number | undefined): 0 {
  const version = isIP(address)
  Object.assign(out, { address, ...(version > 0 && { family: `IPv${version}` }), ...(port !== undefined && { port }) })
  return 0
}
