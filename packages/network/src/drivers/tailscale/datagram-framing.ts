/** Datagrams on a stream: `u32be length of the rest | u8 length of address | address | payload`. */

const lengthBytes = 4

export interface DatagramFrame {
  /** `ip:port`; empty for a notice of the sidecar. */
  readonly address: string
  readonly payload: Buffer
}

export function frameOf(address: string, payload: Uint8Array): Buffer {
  const name = Buffer.from(address)
  const head = Buffer.alloc(lengthBytes + 1)
  head.writeUInt32BE(1 + name.length + payload.length)
  head.writeUInt8(name.length, lengthBytes)
  return Buffer.concat([head, name, payload])
}

/** Extracts frames from the chunks of a stream. */
export class DatagramFrames {
  #rest: Buffer = Buffer.alloc(0)

  /** Returns the frames that are complete with `chunk`. */
  push(chunk: Buffer): readonly DatagramFrame[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: DatagramFrame[] = []
    while (rest.length >= lengthBytes) {
      const end = lengthBytes + rest.readUInt32BE(0)
      if (rest.length < end) break
      const payload = lengthBytes + 1 + (rest[lengthBytes] ?? 0)
      frames.push({ address: rest.toString('latin1', lengthBytes + 1, payload), payload: rest.subarray(payload, end) })
      rest = rest.subarray(end)
    }
    this.#rest = rest
    return frames
  }
}
