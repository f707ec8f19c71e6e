/** Kinds of the environment: storages of variables, and variables with their own names. */
import { z } from 'zod'
import { reference } from '../schema/fields.ts'
import { defineKind } from '../schema/kind.ts'

/** The environment of the operating system. `prefix` is added before every name. Read-only. */
export const osStorage = defineKind({
  kind: 'env.storage.os',
  fields: () =>
    z.strictObject({
      prefix: z.string().default('').describe('Text before the name of each variable, such as `APP_`.'),
    }),
})

/** A file of `NAME=value` lines, relative to the application's root; written atomically, readable only by its owner. */
export const fileStorage = defineKind({
  kind: 'env.storage.file',
  fields: () => z.strictObject({ path: z.string().min(1).describe("The file, relative to the application's root.") }),
})

/** Kept in memory while the application runs. */
export const memoryStorage = defineKind({ kind: 'env.storage.memory', fields: () => z.strictObject({}) })

/** Values inside the entry. Read-only. */
export const staticStorage = defineKind({
  kind: 'env.storage.static',
  fields: () =>
    z.strictObject({
      values: z.record(z.string(), z.string()).describe('Values of variables, by name.'),
    }),
})

/** Other storages: a read uses the first that has the variable; a write goes to the first of all. */
export const routerStorage = defineKind({
  kind: 'env.storage.router',
  fields: () =>
    z.strictObject({
      storages: z.array(reference('env.storage.*')).min(1).describe('The storages, the first one first.'),
    }),
})

/** A variable: `variable` is its name in `storage`, by default the entry's name. */
export const variable = defineKind({
  kind: 'env.variable',
  fields: () =>
    z.strictObject({
      storage: reference('env.storage.*').describe('The storage that holds the variable.'),
      variable: z.string().min(1).optional().describe('Name in the storage. Default: the name of the entry.'),
      default: z.string().optional().describe('Value where the storage has none.'),
      readOnly: z.boolean().default(false).describe('Refuses to set it.'),
      secret: z.boolean().default(false).describe('Logs never show its value.'),
    }),
})

export const envKinds = [osStorage, fileStorage, memoryStorage, staticStorage, routerStorage, variable]
