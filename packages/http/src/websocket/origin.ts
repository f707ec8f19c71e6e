/** Which pages may connect: browsers send cookies along whatever page asks (RFC 6455, 10.2). */

/** @param host The `Host` that was asked, where that is known to be the server's own: anybody may point a name at an address. */
export function isOriginAllowed(origin: string | undefined, host: string | undefined, allowed: readonly string[] | undefined): boolean {
  // Programs that are no browsers say none, or whatever they like.
  if (origin === undefined) return true
  if (allowed === undefined) return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
  return allowed.includes('*') || allowed.includes(origin)
}
