/** `network.loopback`: an overlay on this machine that dials, listens and ends TLS. Only for tests. */
import type { EntryId } from '@troupe/core'
import type { Binding, BindOptions, Overlay, Route, Target } from '@troupe/network'
import { overlayKind } from '@troupe/network/kernel'
import { defineKind } from '@troupe/registry'
import type { OwnOverlay } from 'troupe/app'
import { z } from 'zod'
import { type Certificate, Hub } from './hub.ts'

const kind = defineKind({
  kind: 'network.loopback',
  fields: z.strictObject({
    /** The node's name in the overlay, by which it is dialled. */
    host: z.string().min(1),
    cert: z.string().optional(),
    key: z.string().optional(),
    /** Increased when nothing else changes. */
    version: z.int().default(1),
  }),
})

const anyPort = 40_000

/** A place where loopback overlays meet, and the kind of its overlays. */
export async function loopbackNetwork(): Promise<OwnOverlay & AsyncDisposable & { readonly hub: Hub }> {
  const hub = await Hub.start()
  return {
    hub,
    driver: import.meta.resolve('./driver.ts'),
    kind: {
      ...overlayKind(kind, async (id, { host, cert, key }, { generation }) =>
        loopback({
          id,
          host,
          hub,
          generation,
          ...(cert !== undefined && key !== undefined && { certificate: { cert, key } }),
        }),
      ),
      // Two nodes with one name would have the same places.
      exclusive: (entries, id) => entries.decode(id, kind).fields.host,
    },
    [Symbol.asyncDispose]: async () => hub[Symbol.asyncDispose](),
  }
}

interface Node {
  readonly id: EntryId
  readonly host: string
  readonly hub: Hub
  readonly generation: number
  readonly certificate?: Certificate
}

function loopback({ id, host, hub, generation, certificate }: Node): Overlay {
  const route = (config: object): Route => ({
    overlay: id,
    generation,
    driver: 'loopback',
    config: { port: hub.port, ...config },
  })
  const open = new Set<string>()
  const leave = (secret: string) => {
    open.delete(secret)
    hub.close(secret)
  }
  return {
    id,
    kind: kind.kind,
    capabilities: { listen: true, tls: certificate !== undefined, udp: false },
    exclusive: host,
    route: route({}),
    async bind({ port, tls = false }: BindOptions): Promise<Binding> {
      const address: Target = { host, port: port === 0 ? anyPort + open.size : port }
      const secret = hub.open(address, tls ? certificate : undefined)
      open.add(secret)
      return { listenGrant: { ...route({ secret }), address }, [Symbol.asyncDispose]: async () => leave(secret) }
    },
    async [Symbol.asyncDispose]() {
      for (const secret of open) leave(secret)
    },
  }
}
