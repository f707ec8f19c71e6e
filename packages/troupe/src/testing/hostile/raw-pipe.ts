/** How hostile code writes to the pipe between its operating-system process and the kernel. */
import { writeSync } from 'node:fs'
import { serialize } from 'node:v8'

/** The launcher's order (`packages/tsnet/launcher`). */
const upFd = 5
const headerSize = 8

export function frame(channel: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(headerSize)
  header.writeUInt32LE(payload.length, 0)
  header.writeUInt32LE(channel, headerSize / 2)
  return Buffer.concat([header, payload])
}

export function writeWhole(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(upFd, bytes, at)
}

/** Looks like a port, to the kernel or another thread. What moves through a port arrives empty. */
export function pipePort(channel: number): object {
  return {
    postMessage: (message: unknown) => {
      writeWhole(frame(channel, serialize(message)))
    },
  }
}
