/** Kinds: they define which fields an entry may have. */
import { z } from 'zod'
import { reference } from './fields.ts'

/** A kind of entry. The package that defines the kind adds its further behaviour. */
export interface Kind<Fields extends z.ZodObject = z.ZodObject, Meta extends z.ZodObject = z.ZodObject> {
  /** Dotted name: `network.socks5`. */
  readonly kind: string
  /** Schema of the entry's own fields, with camelCase keys. */
  readonly fields: Fields
  /** Schema of the whole `meta`: the keys that every entry may have, and those that the kind adds. */
  readonly meta: Meta
}

/** The fields that a kind decodes to. */
export type FieldsOf<K extends Kind> = z.output<K['fields']>

/** The `meta` that a kind decodes to. */
export type MetaOf<K extends Kind> = z.output<K['meta']>

/**
 * The `meta` keys that any entry may have. Other keys are free and stay as they are written.
 *
 * `command` makes an entry a command of the application; `options.network` pins the overlay that it runs in: `null` is
 * the clear network, an empty string chooses nothing.
 */
export const metaSchema = z.looseObject({
  command: z
    .strictObject({
      name: z
        .string()
        .regex(/^[\w.-]+$/, 'expected a word: letters, digits, ".", "-" and "_"')
        .describe('The word that starts it.'),
      short: z.string().optional().describe('What it does, in one line.'),
    })
    .optional()
    .describe('Makes the entry a command: `troupe run NAME`.'),
  options: z
    .looseObject({
      network: z
        .union(
          [reference('network.*'), z.null(), z.literal('').transform(() => undefined)],
          'expected the id of an overlay, or null for the clear network',
        )
        .optional()
        .describe('The overlay that the entry runs in; `null` is the clear network, an empty text chooses nothing.'),
    })
    .optional()
    .describe('Options of its calls and processes.'),
})

/** The `meta` of an entry, decoded. */
export type DecodedMeta = z.output<typeof metaSchema>

/**
 * Defines a kind. Keys are written in camelCase; YAML writes them in snake_case (`isolateStreams` is
 * `isolate_streams`). The keys of records are left as they are. Fields that the schema does not name are rejected.
 *
 * A function that makes the fields is called when an entry of the kind is first decoded: few programs use all kinds.
 *
 * @example
 * ```ts
 * const socks5 = defineKind({
 *   kind: 'network.socks5',
 *   fields: z.strictObject({ host: z.string().min(1), port: port(), isolateStreams: z.boolean().default(false) }),
 * })
 * const { fields } = registry.decode(entryId('app:proxy'), socks5)
 * fields.port // number
 * ```
 */
export function defineKind<Fields extends z.ZodObject>(definition: {
  readonly kind: string
  readonly fields: MadeLater<Fields>
}): Kind<Fields, typeof metaSchema>
/**
 * @param definition - `meta` holds schemas of the keys that the kind itself reads from `meta`:
 *   `{ server: reference('http.service') }`.
 */
export function defineKind<Fields extends z.ZodObject, Extra extends z.core.$ZodLooseShape>(definition: {
  readonly kind: string
  readonly fields: MadeLater<Fields>
  readonly meta: MadeLater<Extra>
}): Kind<Fields, MetaWith<Extra>>
export function defineKind(definition: {
  readonly kind: string
  readonly fields: MadeLater<z.ZodObject>
  readonly meta?: MadeLater<z.core.$ZodLooseShape>
}): Kind {
  const { kind, fields, meta } = definition
  let madeFields: z.ZodObject | undefined
  let madeMeta: z.ZodObject | undefined
  return Object.freeze({
    kind,
    get fields() {
      madeFields ??= made(fields)
      return madeFields
    },
    get meta() {
      madeMeta ??= meta === undefined ? metaSchema : metaSchema.extend(made(meta))
      return madeMeta
    },
  })
}

/** A value, or a function that makes it when an entry of the kind is first decoded. */
type MadeLater<T extends object> = T | (() => T)

function made<T extends object>(given: MadeLater<T>): T {
  return typeof given === 'function' ? given() : given
}

type MetaWith<Extra extends z.core.$ZodLooseShape> = z.ZodObject<
  z.core.util.Extend<typeof metaSchema.shape, Extra>,
  z.core.$loose
>
