/** The replacement for the native handle of a `net.Server` whose connections come from an overlay. */
import { keepAlive } from '@troupe/core'
import { isIP } from 'node:net'
import { constants } from 'node:os'
import type { Target } from '../overlay/overlay.ts'

const notBound = -constants.errno.EINVAL

/** Implements the methods that Node calls on the handle of a listening server. */
export class OverlayHandle {
  /** Holds the address of the server, once it is known. */
  listener: { readonly address: Target } | undefined
  readonly #onClose: () => void
  /** A listening server keeps its thread alive until `unref()` is called. */
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

/**
 * Fills `out` with a place of an overlay in the format of Node's handles. An address that is no IP address has no
 * family.
 */
export function fillAddress(out: object, address: string, port: number | undefined): 0 {
  const version = isIP(address)
  Object.assign(out, { address, ...(version > 0 && { family: `IPv${version}` }), ...(port !== undefined && { port }) })
  return 0
}
