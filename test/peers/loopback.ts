/** Addresses of this run alone, all of them on loopback, so that runs side by side do not meet. */

/** `127.x.y`, made of this process's id: a free block of addresses without asking for one. */
const block = `127.${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}`

/** Address number `host` of this run. */
export function address(host: number): string {
  return `${block}.${host}`
}
