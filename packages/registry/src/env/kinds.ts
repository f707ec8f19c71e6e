/** Kinds of the environment: where variables are kept, and variables that have a name of their own. */
import { z } from 'zod'
import { reference } from '../schema/fields.ts'
import { defineKind } from '../schema/kind.ts'

/** The environment of the operating system. `prefix` stands before every name. Never written to. */
export const osStorage = defineKind({ kind: 'env.storage.os', fields: z.strictObject({ prefix: z.string().default('') }) })

/** A file of `NAME=value` lines, relative to the application's root; written at once or not at all, readable by its owner alone. */
export const fileStorage = defineKind({ kind: 'env.storage.file', fields: z.strictObject({ path: z.string().min(1) }) })

/** Kept as long as the application runs. */
export const memoryStorage = defineKind({ kind: 'env.storage.memory', fields: z.strictObject({}) })

/** Values that stand in the entry. Never written to. */
export const staticStorage = defineKind({
  kind: 'env.storage.static',
  fields: z.strictObject({ values: z.record(z.string(), z.string()) }),
})

/** Other storages: the first that has a variable gives it; the first of all is written to. */
export const routerStorage = defineKind({
  kind: 'env.storage.router',
  fields: z.strictObject({ storages: z.array(reference('env.storage.*')).min(1) }),
})

/** A variable: `variable` is its name in `storage`, by default the entry's name. */
export const variable = defineKind({
  kind: 'env.variable',
  fields: z.strictObject({
    storage: reference('env.storage.*'),
    variable: z.string().min(1).optional(),
    default: z.string().optional(),
    readOnly: z.boolean().default(false),
    /** Its value never shows in logs. */
    secret: z.boolean().default(false),
  }),
})

export const envKinds = [osStorage, fileStorage, memoryStorage, staticStorage, routerStorage, variable]
