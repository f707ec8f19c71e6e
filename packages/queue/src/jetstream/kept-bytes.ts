/** Bytes that the stream keeps: small ones in the record of the job, large ones in messages of their own. */
import { randomUUID } from 'node:crypto'
import type { JobStream } from './job-stream.ts'
import type { Kept } from './job-record.ts'
import type { JobSubjects } from './subjects.ts'

/** Each change of a job writes its record again, and each node that uses the queue reads it. */
const mostInline = 4_096
/** Servers accept messages of 1 MiB, unless their `max_payload` is another. */
const partSize = 512 * 1_024
const removalTime = 2_000

export interface KeptOptions {
  readonly subjects: JobSubjects
  readonly queue: string
  readonly patience: number
}

/** Writes large values. @param keep - Milliseconds after which the servers remove them. @default never */
export async function keepBytes(
  stream: JobStream,
  bytes: Uint8Array,
  { subjects, queue, patience }: KeptOptions,
  keep?: number,
): Promise<Kept> {
  if (bytes.byteLength <= mostInline) return { bytes }
  const value = randomUUID()
  const parts = Math.ceil(bytes.byteLength / partSize)
  await Promise.all(
    Array.from({ length: parts }, async (_, number) =>
      stream.write(subjects.part(queue, value, number), bytes.subarray(number * partSize, (number + 1) * partSize), {
        patience,
        ...(keep !== undefined && { keep }),
      }),
    ),
  )
  return { value, parts }
}

/** Returns nothing of what is damaged. */
export async function readBytes(
  stream: JobStream,
  kept: Kept,
  { subjects, queue }: Pick<KeptOptions, 'subjects' | 'queue'>,
): Promise<Uint8Array> {
  if ('bytes' in kept) return kept.bytes
  const parts = await Promise.all(
    Array.from({ length: kept.parts }, async (_, number) => stream.read(subjects.part(queue, kept.value, number))),
  )
  return Buffer.concat(parts.map((part) => part?.data ?? new Uint8Array()))
}

/** Removes large values that no record refers to any more. If that fails, they remain, without effect. */
export async function dropBytes(
  stream: JobStream,
  values: readonly (Kept | undefined)[],
  { subjects, queue, patience }: KeptOptions,
): Promise<void> {
  for (const kept of values) {
    if (kept === undefined || 'bytes' in kept) continue
    await Promise.allSettled(
      Array.from({ length: kept.parts }, async (_, number) =>
        stream.write(subjects.part(queue, kept.value, number), undefined, { patience, keep: removalTime }),
      ),
    )
  }
}
