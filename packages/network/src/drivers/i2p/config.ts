/** The kind `network.i2p`: the fields of its entries. */
import { defineKind, duration, port } from '@troupe/registry'
import { z } from 'zod'
import { endpointFault, isOfOverlay } from '../endpoint-host.ts'
import { limit } from '../limit.ts'
import { optionFault } from './options.ts'
import { defaultTimeouts } from './route.ts'

/** SAM splits lines at blanks, and values at quotes. */
const word = /^[\u0021-\u007e]+$/
const noQuotes = /^[^"\\]+$/
const credential = z
  .string()
  .regex(word, 'expected printable ASCII without blanks')
  .regex(noQuotes, 'expected no quotes and no backslash')

const option = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const optionValue = option.refine(
  (text) => word.test(text) && noQuotes.test(text),
  'expected printable ASCII without blanks, quotes or backslash',
)
/** Options that other fields of the entry set. */
const reserved = /^(?:style|id|destination|signature_type|host|port|from_port|to_port|silent)$/i

/** Largest `SIGNATURE_TYPE` that streams may have. 7 is EdDSA-SHA512-Ed25519. */
const lastSignatureType = 11

const fields = () =>
  z.strictObject({
    host: z
      .string()
      .min(1, 'expected a host name or an address')
      .refine((text) => !/^\[.*\]$/.test(text), 'expected an IPv6 address without its brackets')
      .superRefine((text, context) => {
        const fault = text === '' || /^\[.*\]$/.test(text) ? undefined : faultOf(text)
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
      })
      .describe(
        "Where the router's SAM bridge listens. If it is a name, it is the only one that this machine resolves.",
      ),
    port: port().describe('Port of the SAM bridge, such as 7656.'),
    username: credential.optional().describe('User name of SAM 3.2. Both or none of `username` and `password`.'),
    password: credential.optional().describe('Password of SAM 3.2.'),
    sessionName: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, "_", "-" and "."')
      .default('troupe')
      .describe("Prefix of session ids, visible in the router's console."),
    destination: z
      .enum(['transient', 'persistent'])
      .optional()
      .describe('Whether keys outlive the overlay. Default: persistent for listening, transient for dialling.'),
    options: z
      .record(z.string().regex(/^[A-Za-z][\w.]*$/, 'expected the name of an I2CP option'), optionValue)
      .default({})
      .describe('I2CP options, passed on unchanged.'),
    signatureType: z
      .int()
      .min(0)
      .max(lastSignatureType)
      .default(7)
      .describe('For keys that are generated; stored keys have their own.'),
    udpPort: port().optional().describe('Where the bridge accepts datagrams.'),
    connectTimeout: limit()
      .default(defaultTimeouts.connect)
      .describe('Maximum time until the bridge is connected and has sent its greeting.'),
    sessionTimeout: limit().default(defaultTimeouts.session).describe('Maximum time until a session exists.'),
    dialTimeout: limit().default(defaultTimeouts.dial).describe('Maximum time until the router has replied to a dial.'),
    firstByteTimeout: duration()
      .default(defaultTimeouts.firstByte)
      .describe(
        'Maximum time until the first byte arrives on a new connection, while this side sends nothing either; ' +
          '`0s` for no limit.',
      ),
    waitTimeout: duration()
      .default(defaultTimeouts.wait)
      .describe('How long a dial retries while a session or a lease set is not ready.'),
  })

/** The kind of entries for I2P, through the SAM bridge of a router. */
export const i2pKind = defineKind({
  kind: 'network.i2p',
  fields: () =>
    fields().superRefine(({ username, password, options }, context) => {
      if ((username === undefined) !== (password === undefined)) {
        context.addIssue({
          code: 'custom',
          path: ['password'],
          message: 'username and password go together: give both, or none',
        })
      }
      for (const [name, value] of Object.entries(options)) {
        const message = reserved.test(name)
          ? `"${name}" is no option of I2CP`
          : word.test(value)
            ? optionFault(name, value)
            : undefined
        if (message !== undefined) context.addIssue({ code: 'custom', path: ['options', name], message })
      }
    }),
})

function faultOf(host: string): string | undefined {
  return isOfOverlay(host)
    ? 'the router is not reached through an overlay: name a host of this network'
    : endpointFault(host)
}
