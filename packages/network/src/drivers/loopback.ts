/** Loopback addresses: a router on this machine may send from any of them. */

export function isLoopback(address = ''): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}
