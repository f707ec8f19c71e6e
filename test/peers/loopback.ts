/** Loopback addresses for this run alone, so that concurrent runs do not collide. */

/** `127.x.y`, derived from this process's id: a free block of addresses without coordination. */
const block = `127.${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}`

/** Address number `host` of this run. */
export function address(host: number): string {
  return `${block}.${host}`
}
