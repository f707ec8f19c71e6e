/** The permissions that a request needs besides its overlay: checked once for each hop, where policies are in force. */
import { isPrivateAddress, type NetworkAccess } from '@troupe/network'
import { shownUrl } from '../errors.ts'
import { hostOf } from './private-address.ts'

export interface Attempt {
  readonly url: URL
  /** Whether TLS verification is off. */
  readonly insecure: boolean
  readonly unixSocket: string | undefined
}

type Question = readonly [action: string, resource: string]

/**
 * Checks the permissions of a hop. Returns nothing where there is nothing to wait for.
 *
 * @throws TroupeError `PermissionDenied` for the URL, for an address in the URL that is private, for the Unix socket,
 *   or for TLS without verification.
 */
export function permitted(hop: Attempt, access: NetworkAccess): Promise<void> | undefined {
  if (access.permit === undefined) return undefined
  return askInTurn(questionsOf(hop), 0, access)
}

/** Checks one after the other: reports a denial before it asks the next question. */
function askInTurn(questions: readonly Question[], from: number, access: NetworkAccess): Promise<void> | undefined {
  const question = questions[from]
  if (question === undefined) return undefined
  const asked = access.permit?.(question[0], question[1])
  return asked === undefined
    ? askInTurn(questions, from + 1, access)
    : asked.then(() => askInTurn(questions, from + 1, access))
}

function questionsOf({ url, insecure, unixSocket }: Attempt): readonly Question[] {
  const target = shownUrl(url)
  const questions: Question[] = [['http_client.request', target]]
  if (insecure && url.protocol === 'https:') questions.push(['http_client.insecure_tls', target])
  if (unixSocket !== undefined) return [...questions, ['http_client.unix_socket', unixSocket]]
  const host = hostOf(url)
  if (isPrivateAddress(host)) questions.push(['http_client.private_ip', host])
  return questions
}
