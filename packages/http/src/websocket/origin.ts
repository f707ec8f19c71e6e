/** The pages that may connect: browsers send cookies for any page (RFC 6455, 10.2). */

/**
 * @param host The requested `Host`, where it is known to be the server's own: anyone can point a name at an address.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[] | undefined,
): boolean {
  // Programs other than browsers send no origin, or any value.
  if (origin === undefined) return true
  if (allowed === undefined) return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
  return allowed.includes('*') || allowed.includes(origin)
}
