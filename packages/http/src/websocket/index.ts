/** Accepts WebSockets (RFC 6455) in a server's thread, and hands them to processes. */
import { asTroupeError, type ErrorKind, type TroupeError } from '@troupe/core'
import { type WebSocket, WebSocketServer } from 'ws'
import type { WebSocketFields } from './kind.ts'
import { isOriginAllowed } from './origin.ts'
import { type Upgrade, upgrades, type WebSocketUpgrade } from './upgrade.ts'

/** The result of an upgrade. */
export interface UpgradeOutcome {
  /** The status of the response; 101 for a connection. `undefined` when the client disconnected before. */
  readonly status: number | undefined
  /** The reason of a refusal, for the log. */
  readonly error?: TroupeError
}

const statuses: Partial<Record<ErrorKind, number>> = {
  NotFound: 404,
  PermissionDenied: 403,
  RateLimited: 429,
  Unavailable: 503,
  Timeout: 503,
  Canceled: 503,
}

/** One for each state of an entry. */
const servers = new WeakMap<WebSocketFields, WebSocketServer>()
const pending = new WeakMap<object, { readonly upgrade: Upgrade; refused?: UpgradeOutcome }>()

/**
 * Upgrades a request, or responds with the reason of a refusal; never rejects. The process that it starts has the
 * current frame, without its deadline.
 */
export async function acceptWebSocket(asked: WebSocketUpgrade): Promise<UpgradeOutcome> {
  const { request, socket, head, route } = asked
  if (socket.destroyed) return { status: undefined }
  const upgrade = upgrades.begin(asked)
  const state: { readonly upgrade: Upgrade; refused?: UpgradeOutcome } = { upgrade }
  pending.set(request, state)
  return new Promise((resolve) => {
    socket.once('close', () => {
      upgrade.abandon()
      resolve(state.refused ?? { status: undefined })
    })
    serverOf(route.fields).handleUpgrade(request, socket, head, (accepted: WebSocket) => {
      // Until its process listens.
      accepted.pause()
      upgrade.complete(accepted)
      resolve({ status: 101 })
    })
  })
}

function serverOf(fields: WebSocketFields): WebSocketServer {
  const known = servers.get(fields)
  if (known !== undefined) return known
  const { maxPayload, compression, protocols, origins } = fields
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload,
    perMessageDeflate: compression && { threshold: 1024, serverNoContextTakeover: true, clientNoContextTakeover: true },
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
    verifyClient: ({ req }, answer) => {
      const state = pending.get(req)
      const host = state?.upgrade.asked.isOwnPage === true ? req.headers.host : undefined
      if (state === undefined || !isOriginAllowed(req.headers.origin, host, origins)) {
        if (state !== undefined) state.refused = { status: 403 }
        answer(false, 403)
        return
      }
      state.upgrade.open().then(
        () => {
          answer(true)
        },
        (cause: unknown) => {
          const error = asTroupeError(cause)
          const status = statuses[error.kind] ?? 500
          state.refused = { status, error }
          answer(false, status)
        },
      )
    },
  })
  servers.set(fields, server)
  return server
}
