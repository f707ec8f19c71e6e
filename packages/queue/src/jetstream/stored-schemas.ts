/** The schemas of queues, as they were noted. */
import { z } from 'zod'
import { unavailable } from '@troupe/core'
import type { JobStream } from './job-stream.ts'
import type { JobSubjects } from './subjects.ts'

const noted = z.object({ queue: z.string(), schema: z.string() })

interface Noting {
  readonly queue: string
  readonly patience: number
}

/** Notes a schema, and returns the one noted before. */
export async function noteSchema(
  stream: JobStream,
  subjects: JobSubjects,
  { queue, schema, patience }: Noting & { readonly schema: string },
): Promise<string | undefined> {
  const subject = subjects.schema(queue)
  const data = Buffer.from(JSON.stringify({ queue, schema }))
  for (let round = 0; round < mostRounds; round += 1) {
    const found = await stream.read(subject)
    const known = found?.data && readNoted(found.data)?.schema
    if (known === schema) return known
    const revision = await stream.write(subject, data, { expected: found?.revision ?? 0, patience })
    if (revision !== undefined) return known
  }
  throw unavailable(`cluster: other nodes note other schemas of ${queue}`, { queue })
}

const mostRounds = 10

export async function removeSchema(
  stream: JobStream,
  subjects: JobSubjects,
  { queue, patience }: Noting,
): Promise<void> {
  await stream.write(subjects.schema(queue), undefined, { patience })
}

/** The queues of which a schema was noted. */
export async function storedQueues(stream: JobStream, subjects: JobSubjects): Promise<readonly string[]> {
  const found = await Promise.all(
    (await stream.subjects(subjects.schemas)).map(async (subject) => {
      const data = (await stream.read(subject))?.data
      return data && readNoted(data)?.queue
    }),
  )
  return found.filter((queue) => queue !== undefined).toSorted()
}

function readNoted(data: Uint8Array): z.output<typeof noted> | undefined {
  try {
    return noted.parse(JSON.parse(Buffer.from(data).toString()))
  } catch {
    return undefined
  }
}
