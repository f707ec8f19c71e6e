/** Kinds for tests, with the shapes of real kinds. */
import { z } from 'zod'
import { duration, port, reference, sourceFile } from '../schema/fields.ts'
import { defineKind } from '../schema/kind.ts'
import { lifecycleSchema } from '../schema/lifecycle.ts'

export const host = defineKind({
  kind: 'process.host',
  fields: z.strictObject({
    host: z.strictObject({ isolation: z.enum(['thread', 'shared']), queueSize: z.int().min(1).default(1024) }),
    lifecycle: lifecycleSchema,
  }),
})

export const socks5 = defineKind({
  kind: 'network.socks5',
  fields: z.strictObject({
    host: z.string().min(1),
    port: port(),
    password: z.string().optional(),
    isolateStreams: z.boolean().default(false),
    options: z.record(z.string(), z.unknown()).optional(),
  }),
})

export const code = defineKind({
  kind: 'process.ts',
  fields: z.strictObject({
    source: sourceFile(),
    pool: z
      .union([z.literal('inline'), z.strictObject({ max: z.int(), idleTimeout: duration().optional() })])
      .optional(),
  }),
})

const service = defineKind({
  kind: 'process.service',
  fields: z.strictObject({
    process: reference('process.ts'),
    host: reference('process.host'),
    lifecycle: lifecycleSchema,
  }),
})

export const router = defineKind({
  kind: 'http.router',
  meta: { server: reference('process.service') },
  fields: z.strictObject({
    overlay: z.union([reference('network.*'), z.array(reference('network.*'))]).optional(),
    routes: z.array(z.strictObject({ path: z.string(), through: reference().optional() })).default([]),
    byName: z.record(z.string(), reference('network.*')).default({}),
  }),
})

export const link = defineKind({ kind: 'test.link', fields: z.strictObject({ to: z.array(reference()).default([]) }) })

export const kinds = [host, socks5, code, service, router, link]
