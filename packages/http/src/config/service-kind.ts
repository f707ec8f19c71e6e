/** `http.service`: a server, in the clear or on an overlay. */
import {
  checkActor,
  defineKind,
  duration,
  type FieldsOf,
  lifecycleSchema,
  reference,
  sourceFile,
} from '@troupe/registry'
import { z } from 'zod'
import { network } from '../middleware/options.ts'

/**
 * A certificate or key: `file://cert.pem`, or the PEM itself, mostly from a placeholder. Files decode to their absolute
 * paths.
 */
const pem = () =>
  z.union(
    [sourceFile(), z.string().startsWith('-----BEGIN ')],
    'expected a file such as "file://cert.pem", or PEM ("-----BEGIN …")',
  )

/** `example.com`, `*.example.com`, `192.0.2.1`, `[2001:db8::1]`, each also with a port; `*` for any. */
const host = () =>
  z
    .string()
    .regex(
      /^(?:\*|(?:\*\.)?[a-zA-Z\d_](?:[\w.-]*[a-zA-Z\d_])?(?::\d{1,5})?|\[[\da-fA-F:.]+\](?::\d{1,5})?)$/,
      'expected a host such as "example.com", "*.example.com", "[::1]" or "example.com:8443"; "*" for any',
    )

/** The listening address: `:8080` is all addresses of this machine, or of the overlay. Port 0 is any free port. */
const address = () =>
  z
    .string()
    .regex(
      /^(?:\[[\da-fA-F:.%\w]+\]|[^\s:[\]]*):\d{1,5}$/,
      'expected an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080"',
    )
    .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'a port is at most 65535')

const timeouts = () =>
  z.strictObject({
    headers: duration()
      .default(10_000)
      .describe('Maximum time for the head of a request to arrive; a slower client gets 408.'),
    read: duration()
      .default(60_000)
      .describe('Maximum time for a whole request to arrive; a slower client gets 408. `0s` disables the limit.'),
    write: duration()
      .default(60_000)
      .describe(
        'Maximum time for a handler to respond, otherwise 504. Also the maximum time in which a client must read ' +
          'some of its response, otherwise it is cut off. `0s` disables the limit.',
      ),
    idle: duration().default(60_000).describe('How long a connection without requests is kept.'),
    stall: duration()
      .default(30_000)
      .describe(
        'How long code may block the whole service. Then the service is ended, and the supervisor restarts it. ' +
          '`0s` disables the limit.',
      ),
  })

const limits = () =>
  z.strictObject({
    headers: z.int().min(256).max(1_048_576).default(16_384).describe("Bytes of a request's head; beyond: 431."),
    body: z
      .int()
      .min(0)
      .default(10 * 1024 * 1024)
      .describe("Bytes of a request's body; beyond: 413."),
    connections: z
      .int()
      .min(1)
      .optional()
      .describe(
        "Simultaneous connections; further ones are closed at once. Default: half of the program's limit of open " +
          'files.',
      ),
    channels: z.int().min(1).default(10_000).describe('Simultaneous WebSockets and event streams; beyond: 503.'),
    channelsPerClient: z
      .int()
      .min(1)
      .default(100)
      .describe(
        'WebSockets and event streams of one client, which is an address, or a network (/64) of IPv6; beyond: 429.',
      ),
  })

const accessField = () => z.enum(['method', 'path', 'status', 'duration', 'bytes', 'caller'])

/** A field of the access log. */
export type AccessField = z.output<ReturnType<typeof accessField>>

const tls = () =>
  z
    .strictObject({
      mode: z
        .enum(['manual', 'auto'])
        .default('manual')
        .describe('`manual`: with `cert` and `key`. `auto`: the overlay has a certificate of its own.'),
      cert: pem().optional().describe('The certificate: a file, or PEM. Required with `mode: manual`.'),
      key: pem().optional().describe('Its private key: a file, or PEM. Required with `mode: manual`.'),
      clientCa: pem().optional().describe('Authorities that client certificates are verified against.'),
      clientAuth: z
        .enum(['none', 'request', 'require', 'verify'])
        .default('none')
        .describe(
          'Client certificates: `none` requests none; `request` requests one, and accepts any or none; `require` ' +
            'requires one, from any authority; `verify` requires one that `client_ca` signed.',
        ),
    })
    .superRefine(({ mode, cert, key, clientCa, clientAuth }, context) => {
      const issue = (path: string, message: string) => {
        context.addIssue({ code: 'custom', path: [path], message })
      }
      if (mode === 'manual') {
        if (cert === undefined) issue('cert', 'expected a certificate, or mode: auto on an overlay that has one')
        if (key === undefined) issue('key', 'expected the key of the certificate')
      } else {
        if (cert !== undefined)
          issue('cert', 'the overlay has a certificate of its own: omit this field, or set mode: manual')
        if (clientAuth !== 'none') issue('clientAuth', 'the overlay ends TLS, and requests no client certificates')
      }
      if (clientAuth === 'verify' && clientCa === undefined)
        issue('clientCa', 'expected what client certificates are verified against')
    })

/**
 * @example
 * ```yaml
 * - name: web
 *   kind: http.service
 *   addr: ":8080"
 *   lifecycle: { auto_start: true }
 * ```
 */
export const httpServiceKind = defineKind({
  kind: 'http.service',
  fields: () =>
    z
      .strictObject({
        addr: address().describe(
          'Address and port: `127.0.0.1:8080`; `:8080` for all addresses of the machine or the overlay; port 0 ' +
            'for any free port.',
        ),
        network: z
          .union([reference('network.*'), z.null()], 'expected the id of an overlay, or null for the clear network')
          .optional()
          .describe(
            'The overlay to listen on; `null` for the clear network where the application has a default overlay.',
          ),
        replyVia: z
          .literal('same')
          .optional()
          .describe(
            '`same`: handlers connect through the overlay that the service listens on. Otherwise the listening ' +
              'overlay does not affect them.',
          ),
        identity: z
          .literal('tailscale')
          .optional()
          .describe(
            '`tailscale`: each request acts for the identity that the overlay reports: the actor ' +
              '`tailscale:user:<login>`, for a node without a user `tailscale:node:<name>`, else ' +
              '`tailscale:address:<address>`.',
          ),
        hosts: z
          .array(host())
          .min(1)
          .optional()
          .describe(
            'Hosts that it accepts; requests for others get 421. Default: on loopback the names of loopback, on ' +
              'one address that address, on an overlay its own names there; on all addresses any.',
          ),
        trustedProxies: z
          .array(network)
          .default([])
          .describe(
            'Networks of proxies, such as `10.0.0.0/8`: their `x-forwarded-for`, `-host` and `-proto` are ' +
              'trusted.',
          ),
        timeouts: timeouts().prefault({}).describe('Time limits of requests and connections.'),
        limits: limits().prefault({}).describe('Limits of sizes and numbers.'),
        tls: tls().optional().describe('Serves HTTPS. Default: HTTP.'),
        maxIsolationKeys: z
          .int()
          .min(1)
          .default(64)
          .describe(
            'Simultaneous actors with threads of their own, where the overlay of an endpoint isolates actors; ' +
              'beyond: 429.',
          ),
        accessLog: z
          .union([z.boolean(), z.array(accessField()).min(1)])
          .default(false)
          .describe('Logs each response: `true` with all fields, or a list of fields.'),
        http2: z.boolean().default(true).describe('Offers HTTP/2 to TLS clients.'),
        lifecycle: lifecycleSchema,
      })
      .superRefine((fields, context) => {
        // With an identity the actor is that of the caller.
        if (fields.identity === undefined) checkActor(fields, context)
      })
      .superRefine(({ network, tls: security, replyVia, identity }, context) => {
        const needs = (path: string[], message: string) => {
          if (typeof network !== 'string') context.addIssue({ code: 'custom', path, message })
        }
        if (security?.mode === 'auto') needs(['tls', 'mode'], 'auto needs a network that has certificates')
        // An explicitly selected clear network is also a network for replies.
        if (replyVia !== undefined && network !== null) needs(['replyVia'], 'it needs "network", to reply by')
        if (identity !== undefined) needs(['identity'], 'it needs the network that knows who calls')
      }),
})

/** Fields of an `http.service`. Times are milliseconds, sizes are bytes. */
export type HttpServiceFields = FieldsOf<typeof httpServiceKind>
