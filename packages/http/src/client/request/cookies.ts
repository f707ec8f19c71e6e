/** Cookies that are kept between requests (RFC 6265), by `tough-cookie`. */
import { type EntryId, invalid } from '@troupe/core'
import type { CookieJar } from '../../options.ts'
import type { HeaderList } from './header-list.ts'

/**
 * Creates an empty jar, for the option `cookies` of any number of requests. All requests with the same jar share its
 * cookies: create one for each identity.
 *
 * @example
 * ```ts
 * const cookies = await cookieJar()
 * await http.post('https://example.org/login', { form: { name: 'ann' }, cookies })
 * await http.get('https://example.org/private', { cookies })
 * ```
 */
export async function cookieJar(): Promise<CookieJar> {
  // It loads the list of public suffixes: 200 KiB that few threads need.
  const { CookieJar } = await import('tough-cookie')
  return new CookieJar()
}

/** A network, with the isolation key of a request. */
export interface NetworkOfJar {
  readonly overlay: EntryId | null
  /** The application of the overlay: see `Route.application`. */
  readonly application: number | undefined
  readonly isolation: string | undefined
}

/** The network in which each jar was first used. */
const networks = new WeakMap<CookieJar, NetworkOfJar>()

/**
 * Prevents cookies from identifying a client of one network to the servers of another.
 *
 * @throws TroupeError `Invalid` for a jar that was used in another network, or with another isolation key.
 */
export function keepApart(jar: CookieJar, network: NetworkOfJar): void {
  const { overlay, application, isolation } = network
  const first = networks.get(jar)
  if (first === undefined) networks.set(jar, network)
  else if (first.overlay !== overlay || first.application !== application || first.isolation !== isolation) {
    const there =
      first.overlay === overlay && first.application === application
        ? 'with another isolation key'
        : first.overlay === null
          ? 'in the clear'
          : `in ${first.overlay}`
    throw invalid(
      `the jar of this request was used ${there} before, and its cookies would ` +
        'identify the client: use one jar for each network, or shareCookies: true',
      { path: 'options.cookies' },
    )
  }
}

/** Returns `headers` with the jar's cookies for `url`. */
export async function withCookies(headers: HeaderList, jar: CookieJar, url: URL): Promise<HeaderList> {
  const cookies = await jar.getCookieString(url.href)
  if (cookies === '') return headers
  const all = headers.copy()
  all.append('cookie', cookies)
  return all
}

/**
 * Stores the cookies of a response in the jar. A cookie that the jar does not accept is the server's mistake, and is
 * ignored.
 */
export async function keepCookies(
  jar: CookieJar,
  url: URL,
  given: string | readonly string[] | undefined,
): Promise<void> {
  if (given === undefined) return
  for (const cookie of typeof given === 'string' ? [given] : given)
    await jar.setCookie(cookie, url.href, { ignoreError: true })
}
