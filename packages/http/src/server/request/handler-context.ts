/** The context of a handler, made from hono's: its parts are created when they are used. */
import type { EntryId } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { Context } from 'hono'
import { clientAddress } from '../../middleware/client-address.ts'
import { type ClientCertificate, clientCertificateOf } from '../listener/client-certificate.ts'
import { tlsSocketOf } from '../listener/transport.ts'
import type { ServerEnvironment } from './request-call.ts'
import type { RequestContext } from './request-context.ts'
import { middlewareContext } from '../routing/middleware-context.ts'

export type RequestIn = Context<ServerEnvironment>

export class InlineContext implements RequestContext {
  readonly endpoint: EntryId
  readonly #context: RequestIn

  constructor(context: RequestIn, endpoint: EntryId) {
    this.#context = context
    this.endpoint = endpoint
  }

  get params(): Readonly<Record<string, string>> {
    return this.#context.req.param()
  }

  get peer(): Peer | undefined {
    return this.#context.env.peer
  }

  get remoteAddress(): string | undefined {
    return clientAddress(this.#context, middlewareContext)
  }

  get certificate(): ClientCertificate | undefined {
    return certificateOf(this.#context)
  }

  get service(): EntryId {
    return this.#context.env.service
  }
}

export function certificateOf({ env: { incoming } }: RequestIn): ClientCertificate | undefined {
  return 'encrypted' in incoming.socket ? clientCertificateOf(tlsSocketOf(incoming)) : undefined
}
