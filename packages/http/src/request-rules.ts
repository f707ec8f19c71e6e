/** Who may send the requests of this package, and what they contain. */
import {
  anything,
  count,
  either,
  entryText,
  inheritShape,
  optional,
  pidText,
  record,
  type RequestRules,
  type Role,
  shape,
  text,
} from '@troupe/process/protocol'
import type { HttpRequests } from './protocol.ts'

const servers: readonly Role[] = ['server']

export const httpRequests: RequestRules<keyof HttpRequests> = {
  openConnection: { by: ['server', 'program'], ask: shape({ entry: entryText, ticket: text }) },
  converse: { by: ['connection'], ask: shape({}) },
  createToken: {
    by: 'anyone',
    ask: shape({ store: entryText, grant: anything }),
    beyondSeal: ({ store }) => ({
      name: 'make tokens',
      action: 'security.token.create',
      resource: store,
      byPolicy: true,
    }),
  },
  validateToken: { by: 'anyone', ask: shape({ store: entryText, token: anything }) },
  revokeToken: {
    by: 'anyone',
    ask: either(shape({ store: entryText, id: text }), shape({ store: entryText, actor: text })),
    beyondSeal: ({ store }) => ({
      name: 'revoke tokens',
      action: 'security.token.revoke',
      resource: store,
      byPolicy: true,
    }),
  },
  openSession: { by: 'anyone', ask: shape({ store: entryText, token: anything, inherit: inheritShape }) },
  openLane: { by: servers, ask: shape({ endpoint: entryText, session: optional(pidText) }) },
  closeLane: { by: servers, ask: shape({ lane: pidText }) },
  lendSession: { by: servers, ask: shape({ lane: pidText }) },
  identify: { by: servers, ask: shape({ peer: record }) },
  serving: { by: servers, ask: shape({ host: text, port: count }) },
}
