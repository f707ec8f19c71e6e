/** Whether a certificate belongs to a server of the cluster. */
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** What Node checks where neither a name nor an address is known. */
const unknown = 'localhost'

/**
 * Returns the check for connections to `servers`. The client passes on only names of servers. For an address, the
 * certificate must be one of an address in the list: all of these belong to one cluster.
 */
export function serverIdentity(
  servers: readonly string[],
): (host: string, certificate: PeerCertificate) => Error | undefined {
  const hosts = servers.map((server) => new URL(server).hostname.replace(/^\[(.*)\]$/, '$1'))
  const addresses = hosts.filter((host) => isIP(host) !== 0)
  return (host, certificate) => {
    if (host !== unknown || addresses.length === 0) return checkServerIdentity(host, certificate)
    const candidates = hosts.includes(unknown) ? [unknown, ...addresses] : addresses
    const errors = candidates.map((candidate) => checkServerIdentity(candidate, certificate))
    return errors.includes(undefined) ? undefined : errors[0]
  }
}
