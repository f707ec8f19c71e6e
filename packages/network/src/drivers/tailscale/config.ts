/** The kind `network.tailscale`: the fields of its entries. */
import { defineKind, sourceFile } from '@troupe/registry'
import { z } from 'zod'
import { endpointFault } from '../endpoint-host.ts'
import { isLoopback } from '../loopback.ts'

/** One label of a DNS name (RFC 1035 §2.3.1): the node's name in MagicDNS. */
const hostname = z
  .string()
  .regex(/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i, 'expected a host name: 1 to 63 letters, digits and hyphens')
export const pemOpening = '-----BEGIN '
const keyWords = 'expected an auth key of the tailnet'
/** Keys of Tailscale for other uses. */
const otherKeys = /^tskey-(?:api|scim|webhook)-/

const fields = () =>
  z.strictObject({
    hostname: hostname.optional().describe("Name of the node in the tailnet. Default: the entry's name."),
    authKey: z
      .string(keyWords)
      .trim()
      .min(1, keyWords)
      .refine((key) => !otherKeys.test(key), 'it is a key for the API of Tailscale: no node joins with it')
      .optional()
      .describe('The auth key. Default: the operator logs the node in, at a URL that the log shows.'),
    authKeyEnv: z
      .string()
      .regex(/^[^\s=$]+$/, 'expected the name of a variable')
      .optional()
      .describe('Name of the variable that holds the key.'),
    stateDir: z
      .string()
      .min(1)
      .refine((path) => !path.includes('://'), 'expected the path of a folder, and not a URL')
      .optional()
      .describe(
        "Folder of the node's keys. A relative path is inside `network_service.state_dir`. Default: " +
          '`<network_service.state_dir>/tailscale/<hostname>`.',
      ),
    controlUrl: z
      .url({ protocol: /^https?$/, error: 'expected a URL with http or https' })
      .refine(isPlain, 'expected a URL without login, query and fragment')
      .optional()
      .describe("URL of the coordination server. Default: Tailscale's."),
    ca: z
      .union(
        [sourceFile(), z.string().startsWith(pemOpening)],
        'expected a file such as "file://ca.pem", or PEM ("-----BEGIN …")',
      )
      .optional()
      .describe(
        'Authorities (PEM) that may sign the certificates of the coordination server and its relays, in addition ' +
          "to the system's and those of `NODE_EXTRA_CA_CERTS`.",
      ),
    ephemeral: z.boolean().default(false).describe('The node is removed from the tailnet when it stops.'),
    tags: z
      .array(z.string().regex(/^tag:[a-z][a-z\d-]*$/i, 'expected a tag such as "tag:web"'))
      .default([])
      .describe('Tags of the node, such as `tag:web`; the key must allow them.'),
    exitNode: z
      .string()
      .min(1)
      .refine(isPeer, 'expected the name or the address of a peer')
      .optional()
      .describe(
        'Name or address of the peer through which traffic to targets outside the tailnet goes. Default: such ' +
          'traffic is refused.',
      ),
  })

type Fields = z.output<ReturnType<typeof fields>>

/** The kind of entries for nodes of a tailnet. */
export const tailscaleKind = defineKind({ kind: 'network.tailscale', fields: () => fields().superRefine(checkKey) })

function isPlain(text: string): boolean {
  const url = URL.parse(text)
  return url === null || (url.username === '' && url.password === '' && url.search === '' && url.hash === '')
}

/** Whether it may be a peer: a name, or an address of another machine. */
function isPeer(text: string): boolean {
  return text === '' || (endpointFault(text) === undefined && !isLoopback(text))
}

function checkKey({ authKey, authKeyEnv, exitNode, hostname }: Fields, context: z.core.$RefinementCtx): void {
  if (exitNode !== undefined && exitNode.toLowerCase() === hostname?.toLowerCase())
    issue(context, 'exitNode', 'it is the node itself: name another one')
  if (authKey !== undefined && authKeyEnv !== undefined)
    issue(context, 'authKeyEnv', 'auth_key and auth_key_env do not go together: give one')
}

function issue(context: z.core.$RefinementCtx, path: string, message: string): void {
  context.addIssue({ code: 'custom', path: [path], message })
}
