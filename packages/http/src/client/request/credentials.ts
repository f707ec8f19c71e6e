/** The credentials of a request: `Authorization`, and cookies that are given by name. */
import { invalid } from '@troupe/core'
import type { Credentials } from '../../options.ts'
import { type HeaderList, isFieldValue, token } from './header-list.ts'

/**
 * Sets `Authorization`.
 *
 * @throws TroupeError `Invalid` for credentials that cannot be sent, or where `headers` contain the field already.
 */
export function authorize(headers: HeaderList, credentials: Credentials, where: string): void {
  const path = `${where}.auth`
  if (headers.has('authorization')) throw invalid(`${path}: there is an authorization field in headers too`, { path })
  headers.set('authorization', 'bearer' in credentials ? bearer(credentials.bearer, path) : basic(credentials, path))
}

/**
 * Sends the credentials of a URL as Basic authentication, not with the URL. Credentials that the caller gives elsewhere
 * take precedence.
 */
export function moveCredentials(url: URL, headers: HeaderList): void {
  if (!headers.has('authorization')) {
    headers.set('authorization', encoded(decode(url.username), decode(url.password)))
  }
  url.username = ''
  url.password = ''
}

/** @throws TroupeError `Invalid` for an invalid name or value (RFC 6265 §4.1.1, and what else browsers send). */
export function sendCookies(headers: HeaderList, cookies: Readonly<Record<string, string>>, where: string): void {
  for (const [name, value] of Object.entries(cookies)) {
    const path = `${where}.cookies.${name}`
    if (!token.test(name) || !isFieldValue(value) || /[;\t]/.test(value))
      throw invalid(`${path}: not a cookie that can be sent`, { path })
    headers.append('cookie', `${name}=${value}`)
  }
}

function basic({ username, password }: { readonly username: string; readonly password: string }, path: string): string {
  // RFC 7617 §2: the password is everything after the first colon.
  if (username.includes(':'))
    throw invalid(`${path}.username: a colon cannot be sent in a user name`, { path: `${path}.username` })
  return encoded(username, password)
}

function encoded(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

function bearer(value: string, path: string): string {
  if (!/^[\u0021-\u007e]+$/.test(value))
    throw invalid(`${path}.bearer: not a token that can be sent`, { path: `${path}.bearer` })
  return `Bearer ${value}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('the credentials in the URL are not valid percent-encoding', { path: 'url' })
  }
}
