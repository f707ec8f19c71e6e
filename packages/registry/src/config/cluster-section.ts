/** The section `cluster`: the nodes that share work over NATS. Nothing of it is loaded without the section. */
import { z } from 'zod'
import { duration, reference } from '../schema/fields.ts'

const name = /^[a-z0-9-]{1,32}$/
const nameWords = 'expected 1 to 32 characters of a-z, 0-9 and "-"'
const shortestLease = 1_000
const longestLease = 60_000
const smallestMessage = 64 << 10
const usualMessage = 8 << 20
const largestMessage = 64 << 20

/** Whether the address of a server leads to this machine alone. */
function isLoopback(server: string): boolean {
  const { hostname } = new URL(server)
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname)
}

const server = z
  .string()
  .refine(
    (text) => /^(?:nats|tls):\/\/[^/@?#]+$/.test(text) && URL.canParse(text),
    'expected an address such as tls://n1:4222, without a login and a path',
  )

export const clusterSection = z
  .strictObject({
    name: z.string().regex(name, nameWords).describe('Name of the cluster: `a-z`, `0-9` and `-`, up to 32.'),
    node: z.string().regex(name, nameWords).describe('Name of this node, in the same form; unique among living nodes.'),
    servers: z
      .union([z.literal('embedded'), z.array(server).min(1)], 'expected "embedded" or a list of addresses')
      .describe('Addresses of NATS servers, `tls://` or `nats://`; or `embedded`: one on this machine, for this node.'),
    credentials: z
      .string()
      .min(1)
      .optional()
      .describe('File with the seed of an NKey, or with a JWT and its seed, that only its owner may read.'),
    tls: z
      .strictObject({
        ca: z.string().min(1).optional().describe('File of authorities (PEM), instead of the usual ones.'),
      })
      .optional()
      .describe('Requires TLS of the servers.'),
    network: reference('network.*')
      .nullable()
      .optional()
      .describe("Overlay of the node's own connection; `null`: the clear network. Default: the default network."),
    lease: duration()
      .refine((ms) => ms >= shortestLease && ms <= longestLease, 'expected 1s to 60s')
      .default(2_000)
      .describe('Time without a renewal after which a node is declared dead, `1s` to `60s`.'),
    replicas: z
      .union([z.literal(1), z.literal(3), z.literal(5)], 'expected 1, 3 or 5')
      .optional()
      .describe('Copies of what is kept; 1 only with one server. Default: 3, or 1 if the server is `embedded`.'),
    max_message: z
      .int()
      .min(smallestMessage)
      .max(largestMessage)
      .default(usualMessage)
      .describe('Bytes of the largest message to a process of another node, 65536 (64 KiB) to 67108864 (64 MiB).'),
    accept: z
      .strictObject({
        groups: z.array(z.string().min(1)).min(1).describe('Groups of policies, for the actor `node:<name>`.'),
      })
      .optional()
      .describe('What other nodes may do here. Without it: everything, and nothing with `security.strict_mode`.'),
  })
  .superRefine(({ servers, network, tls, credentials, replicas }, context) => {
    const refuse = (path: (string | number)[], message: string) => {
      context.addIssue({ code: 'custom', path, message })
    }
    if (servers === 'embedded') {
      if (credentials !== undefined) refuse(['credentials'], 'an embedded server has credentials of its own')
      if (tls !== undefined) refuse(['tls'], 'an embedded server is on loopback, without TLS')
      if (typeof network === 'string') refuse(['network'], 'an embedded server is on loopback, in the clear network')
      if (replicas !== undefined && replicas !== 1) refuse(['replicas'], 'an embedded server is alone: expected 1')
      return
    }
    const secured = servers.filter((text) => text.startsWith('tls:')).length
    if (secured > 0 && secured < servers.length)
      refuse(['servers'], 'either all servers or none are tls://, because the connection may move to each of them')
    for (const [index, text] of servers.entries()) {
      if (text.startsWith('tls:') || tls !== undefined || typeof network === 'string' || isLoopback(text)) continue
      // The default network may be another one later, so it does not count.
      refuse(['servers', index], 'nats:// without TLS leads to loopback only: use tls://, or an overlay as "network"')
    }
  })
  .transform(({ max_message: maxMessage, ...section }) => ({ ...section, maxMessage }))
