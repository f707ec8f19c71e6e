/**
 * The canonical spelling of each action's resources: URLs, hosts, paths, variables. Questions and policies are
 * converted to it first, so that no decision depends on the spelling.
 */
import { canonicalHost, realPath } from '@troupe/core'
import { canonicalUrl, isUrl } from './url-parts.ts'

/** The form of an action's resources. `text`: names with one spelling (ids, pids, groups), and an application's own. */
export type ResourceForm = 'url' | 'host' | 'path' | 'variable' | 'text'

const forms: ReadonlyMap<string, ResourceForm> = new Map([
  ['http_client.request', 'url'],
  ['http_client.insecure_tls', 'url'],
  ['http_client.private_ip', 'host'],
  ['http_client.unix_socket', 'path'],
  ['socket.connect', 'host'],
  ['socket.listen', 'host'],
  ['socket.resolve', 'host'],
  ['socket.private_ip', 'host'],
  ['env.get', 'variable'],
  ['env.set', 'variable'],
])

export function formOf(action: string): ResourceForm {
  return forms.get(action) ?? 'text'
}

/** Returns all names of one variable, first the one that conditions see. */
export type VariableNames = (name: string) => readonly [string, ...string[]]

/**
 * Returns the names under which policies know `resource`: one, or the canonical one first. Only a variable has several.
 * `undefined` for a text that cannot be a resource of the action: that is denied.
 */
export function namesOf(
  action: string,
  resource: string,
  variables: VariableNames | undefined,
): string | readonly [string, ...string[]] | undefined {
  switch (formOf(action)) {
    case 'url':
      return canonicalUrl(resource) ?? resource
    case 'host':
      return isPath(resource) ? pathOf(resource) : canonicalHost(resource)
    case 'path':
      return pathOf(resource)
    case 'variable':
      return variables?.(resource) ?? resource
    default:
      return isUrl(resource) ? (canonicalUrl(resource) ?? resource) : resource
  }
}

/** The system would read a path up to its zero; only an abstract socket begins with one. */
function pathOf(path: string): string | undefined {
  return path.includes('\0', 1) ? undefined : canonicalPath(path)
}

/** Sockets connect to hosts and to paths. No host looks like a path. */
export function isPath(text: string): boolean {
  return /^[/\0\\]/.test(text)
}

/** Linux's abstract sockets and Windows' pipes are not in the file system. */
export function canonicalPath(path: string): string {
  return path.startsWith('\0') || path.startsWith('\\') ? path : realPath(path)
}
