/** Addresses of this machine alone. A router on it may send from any of them. */

export function isLoopback(address = ''): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}
