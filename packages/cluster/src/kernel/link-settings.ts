/** The settings of the link, from the section `cluster` and the files that it names. */
import { randomUUID } from 'node:crypto'
import type { AppConfig } from '@troupe/registry'
import type { LinkSettings } from '../settings.ts'
import { readAuthorities, readLogin } from './credentials.ts'

export type ClusterConfig = NonNullable<AppConfig['cluster']>

/** The server of `servers: embedded`. */
export interface OwnServer {
  readonly url: string
  readonly user: string
  readonly password: string
}

/**
 * Reads the files each time, so that a link that is started again has current credentials.
 *
 * @throws TroupeError `Invalid`, final, for files that cannot be used.
 */
export function linkSettings(config: ClusterConfig, isOverlay: boolean, own: OwnServer | undefined): LinkSettings {
  const { name: cluster, node, lease, servers, tls } = config
  const common = { cluster, node, lease, maxMessage: config.maxMessage, boot: randomUUID() }
  if (servers === 'embedded') {
    if (own === undefined) throw new Error('the embedded server was not started')
    const login = { type: 'password', user: own.user, password: own.password } as const
    return { ...common, replicas: 1, servers: [own.url], login, isOverlay: false }
  }
  const isTls = tls !== undefined || servers.some((server) => server.startsWith('tls:'))
  return {
    ...common,
    replicas: config.replicas ?? 3,
    servers,
    login: readLogin(config.credentials),
    ...(isTls && { tls: tls?.ca === undefined ? {} : { ca: readAuthorities(tls.ca) } }),
    isOverlay,
  }
}
