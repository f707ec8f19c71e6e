/** The messages of the sidecar on its standard output (`packages/tsnet/PROTOCOL.md`, Control). */
import { z } from 'zod'

const ok = z.literal(true)

export const joined = z.object({ ok, ips: z.array(z.string()), dns_name: z.string(), tailnet: z.string() })
export type Joined = z.output<typeof joined>

export const listening = z.object({ ok, listener: z.string(), port: z.int() })

export const done = z.object({ ok })

const peer = z.object({
  name: z.string(),
  dns_name: z.string(),
  ips: z.array(z.string()),
  user: z.string().optional(),
  tags: z.array(z.string()).nullish(),
  online: z.boolean(),
  path: z.enum(['direct', 'relay', 'none']),
  relay: z.string().optional(),
  rx: z.number(),
  tx: z.number(),
})

export const status = z.object({
  ok,
  state: z.string(),
  ips: z.array(z.string()).nullish(),
  dns_name: z.string(),
  health: z.array(z.string()).nullish(),
  connections: z.int(),
  listeners: z.int(),
  rx: z.number(),
  tx: z.number(),
  peers: z.array(peer).nullish(),
  /** What answered the last probe; absent before the first. */
  reach: z.enum(['all', 'part', 'nothing']).optional(),
  /** What is wrong with the control server. */
  fault: z.string().optional(),
})
export type Status = z.output<typeof status>

/** The first line. */
export const ready = z.object({ ev: z.literal('ready'), proto: z.int(), sock: z.string() })

/** Events of a node. Unknown events are ignored. */
export const nodeEvent = z.discriminatedUnion('ev', [
  z.object({ ev: z.literal('state'), node: z.string(), state: z.string() }),
  z.object({ ev: z.literal('auth_url'), node: z.string(), url: z.string() }),
  z.object({ ev: z.literal('needs_approval'), node: z.string() }),
  z.object({ ev: z.literal('error'), node: z.string(), code: z.string(), error: z.string() }),
  z.object({ ev: z.literal('listener_closed'), node: z.string(), listener: z.string(), error: z.string() }),
  z.object({
    ev: z.literal('accept_error'),
    node: z.string(),
    listener: z.string(),
    remote: z.string(),
    code: z.string(),
    error: z.string(),
  }),
])
export type NodeEvent = z.output<typeof nodeEvent>

/** A reply, with the id of its request. */
export const answer = z.looseObject({ id: z.int() })
