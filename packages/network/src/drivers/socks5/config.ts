/** The kind `network.socks5`: what its entries may say. */
import { defineKind, port } from '@troupe/registry'
import { z } from 'zod'

/** RFC 1929 gives the length of each one byte, and none of them may be empty. */
const credential = z.string().refine((text) => text !== '' && Buffer.byteLength(text) <= 255, 'expected 1 to 255 bytes (RFC 1929)')

export const socks5Kind = defineKind({
  kind: 'network.socks5',
  fields: z
    .strictObject({
      /** Where the proxy listens. The one name that this machine resolves, where it is a name. */
      host: z.string().refine((text) => text !== '', 'expected a host name or an address'),
      port: port(),
      username: credential.optional(),
      password: credential.optional(),
      /** Fresh random credentials for every connection, in place of `username` and `password`. */
      isolateStreams: z.boolean().default(false),
    })
    .refine(({ username, password }) => (username === undefined) === (password === undefined), {
      message: 'username and password go together: give both, or none',
      path: ['password'],
    }),
})
