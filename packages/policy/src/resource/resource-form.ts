/**
 * The one spelling in which each action's resources are decided: URLs, hosts, paths, variables. What a question and a policy wrote is
 * brought to it first, so that no decision depends on the spelling.
 */
import { canonicalHost, realPath } from '@troupe/core'
import { canonicalUrl, isUrl } from './url-pattern.ts'

/** What the resources of an action are. `text`: names with one spelling (ids, pids, groups), and an application's own. */
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

/** All names of one variable, the one on which conditions look first. */
export type VariableNames = (name: string) => readonly [string, ...string[]]

/**
 * The names under which policies know `resource`: one, or the canonical one first; more than one has a variable alone. `undefined` for what
 * no resource of the action can be: that is denied.
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
      return isPath(resource) ? canonicalPath(resource) : canonicalHost(resource)
    case 'path':
      return canonicalPath(resource)
    case 'variable':
      return variables?.(resource) ?? resource
    default:
      return isUrl(resource) ? (canonicalUrl(resource) ?? resource) : resource
  }
}

/** Sockets connect to hosts and to paths, and no host is like one. */
export function isPath(text: string): boolean {
  return /^[/\0\\]/.test(text)
}

/** Linux's abstract sockets and Windows' pipes are not in the file system. */
export function canonicalPath(path: string): string {
  return path.startsWith('\0') || path.startsWith('\\') ? path : realPath(path)
}
