/** A job as a message of the stream: a line of JSON, and the bytes that it describes. */
import { z } from 'zod'
import type { KeptJob } from '../driver/driver.ts'

/** Bytes that are in the record itself, or elsewhere in the stream. */
export type Kept =
  | { readonly bytes: Uint8Array }
  /** In so many messages, under a random name. */
  | { readonly value: string; readonly parts: number }

/** A job that is `ready` may run when it is due. */
export type RecordState = 'ready' | 'running' | 'done' | 'dead'

export interface JobRecord extends Pick<KeptJob, 'id' | 'priority' | 'key' | 'attempts' | 'published' | 'due'> {
  readonly state: RecordState
  /** Its place among all jobs: the sequence of its first record, which does not contain it. */
  readonly order?: number | undefined
  readonly errors: KeptJob['errors']
  /** Of the attempt that runs. */
  readonly receipt?: string | undefined
  /** Milliseconds for which the outcome of that attempt counts. */
  readonly ackWait?: number | undefined
  /** Until when a job that is done is kept, in milliseconds since 1970. */
  readonly until?: number | undefined
  readonly body: Kept
  readonly progress?: Kept | undefined
  readonly result?: Kept | undefined
}

/** `inline`: number of bytes that follow the line. */
const kept = z.union([z.object({ inline: z.number() }), z.object({ value: z.string(), parts: z.number() })])
const line = z.object({
  state: z.enum(['ready', 'running', 'done', 'dead']),
  ...{ id: z.string(), priority: z.number(), key: z.string().optional(), attempts: z.number() },
  ...{ published: z.number(), due: z.number(), order: z.number().optional(), until: z.number().optional() },
  ...{ receipt: z.string().optional(), ackWait: z.number().optional() },
  errors: z.array(
    z.object({
      ...{ attempt: z.number(), at: z.number(), kind: z.string(), message: z.string(), code: z.string().optional() },
    }),
  ),
  ...{ body: kept, progress: kept.optional(), result: kept.optional() },
})

const newline = 10

export function encodeJob({ body, progress, result, ...rest }: JobRecord): Uint8Array {
  const text = JSON.stringify({
    ...rest,
    body: described(body),
    progress: progress && described(progress),
    result: result && described(result),
  })
  return Buffer.concat([Buffer.from(`${text}\n`), ...[body, progress, result].flatMap(inlineOf)])
}

/** Returns nothing for what is no record of a job. */
export function decodeJob(data: Uint8Array): JobRecord | undefined {
  const end = data.indexOf(newline)
  if (end < 0) return undefined
  try {
    const text = Buffer.from(data.subarray(0, end)).toString()
    const { body, progress, result, key, ...rest } = line.parse(JSON.parse(text))
    let at = end + 1
    const read = (about: z.output<typeof kept>): Kept => {
      if ('value' in about) return about
      at += about.inline
      // The client reads its next messages into the same memory.
      return { bytes: Uint8Array.from(data.subarray(at - about.inline, at)) }
    }
    return {
      ...rest,
      key,
      body: read(body),
      progress: progress && read(progress),
      result: result && read(result),
    }
  } catch {
    return undefined
  }
}

function described(value: Kept): z.output<typeof kept> {
  return 'bytes' in value ? { inline: value.bytes.byteLength } : value
}

function inlineOf(value: Kept | undefined): readonly Uint8Array[] {
  return value !== undefined && 'bytes' in value ? [value.bytes] : []
}

const keyLine = z.object({ key: z.string(), holders: z.array(z.string()) })

/** Which jobs of a key have begun: their tokens. */
export type KeyRecord = z.output<typeof keyLine>

export function encodeKey(record: KeyRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

/** Returns nothing for what is no record of a key. */
export function decodeKey(data: Uint8Array): KeyRecord | undefined {
  try {
    return keyLine.parse(JSON.parse(Buffer.from(data).toString()))
  } catch {
    return undefined
  }
}
