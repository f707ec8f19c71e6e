/** What a job is made of: its payload, and the frame and network in which it runs. */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import {
  type Actor,
  type EntryId,
  type Frame,
  isEntryId,
  type OverlayChoice,
  TroupeError,
  unavailable,
} from '@troupe/core'
import type { InheritedContext } from '@troupe/process'
import { clearNetwork, type Kernel, type Network, type Requester } from '@troupe/process/kernel'
import { z } from 'zod'

/** The frame of the code that published a job, and its network. */
export interface JobContext extends Pick<Frame, 'actor' | 'scope' | 'values'> {
  readonly overlay: EntryId | null
  /** Identifies what the overlay was: another one with its id is another network. */
  readonly digest: string | undefined
  /** The isolation key of the publisher, in an overlay that isolates processes. */
  readonly isolation: string | undefined
  /** The run of the application that published it: isolation keys are unique in one run. */
  readonly run: string
}

interface JobBody {
  readonly payload: unknown
  readonly context: JobContext
}

const entry = z.custom<EntryId>((value) => typeof value === 'string' && isEntryId(value))
const bodyShape = z.object({
  payload: z.unknown(),
  context: z.object({
    actor: z.custom<Actor>((value) => typeof value === 'object' && value !== null).optional(),
    scope: z.array(entry).optional(),
    values: z.record(z.string(), z.unknown()),
    overlay: entry.nullable(),
    digest: z.string().optional(),
    isolation: z.string().optional(),
    run: z.string(),
  }),
})

export function writeBody(body: JobBody): Uint8Array {
  return serialize(body)
}

/** @throws TroupeError `Invalid` for a damaged one. */
export function readBody(bytes: Uint8Array): JobBody {
  const { payload, context } = bodyOf(bytes)
  const { actor, scope, digest, isolation, ...rest } = context
  return { payload, context: { ...rest, actor, scope, digest, isolation } }
}

function bodyOf(bytes: Uint8Array): z.output<typeof bodyShape> {
  try {
    return bodyShape.parse(deserialize(bytes))
  } catch (cause) {
    throw new TroupeError('Invalid', 'the job is damaged: its payload cannot be read from the file', { cause })
  }
}

/** What is kept of the code that publishes a job. */
export function contextOf(kernel: Kernel, run: string, by: Requester, inherit: InheritedContext): JobContext {
  const { frames, networks, overlays } = kernel
  const { record, thread } = by
  const frame = frames.forCall(record.frame, record.frame.overlay, {}, inherit)
  const { overlay, isolation } = networks.ofCall(frame, thread.network, record.pid)
  const { actor, scope, values } = frame
  return {
    ...{ actor, scope, values, overlay, run, isolation: isolation?.process },
    digest: overlay === null ? undefined : digestOf(overlays.get(overlay)),
  }
}

/** Where a job runs. */
export interface JobPlace {
  readonly frame: Frame
  readonly network: Network
}

/**
 * Returns the frame and the network of a job.
 *
 * @param pin - The network that the entry of the program or of the consumer chooses.
 * @throws TroupeError `Unavailable`, with the code `ENETWORK`, when the overlay is gone or is another one;
 *   `Unavailable`, retryable, while it does not run.
 */
export function placeOf(kernel: Kernel, run: string, context: JobContext, pin: OverlayChoice): JobPlace {
  const { frames, networks, overlays, registry } = kernel
  const { actor, scope, values, digest, isolation } = context
  const overlay = pin === undefined ? context.overlay : pin
  const frame = frames.restored({ actor, scope, values, overlay })
  if (overlay === null) return { frame, network: clearNetwork }
  if (!registry.has(overlay)) throw unreachable(overlay, 'does not exist any more')
  if (!overlays.has(overlay)) throw unavailable(`overlay ${overlay} does not run`, { overlay })
  if (pin === undefined && digestOf(overlays.get(overlay)) !== digest)
    throw unreachable(overlay, 'leads elsewhere since the job was published')
  const key = isolation === undefined || context.run === run ? isolation : `${context.run} ${isolation}`
  return { frame, network: networks.ofKept(frame, key ?? `run ${context.run}`) }
}

function unreachable(overlay: EntryId, what: string): TroupeError {
  return new TroupeError('Unavailable', `overlay ${overlay} ${what}: the job cannot run in its network`, {
    details: { overlay, code: 'ENETWORK' },
    retryable: false,
  })
}

function digestOf({ kind, isolates, identity }: ReturnType<Kernel['overlays']['get']>): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, isolates, identity]))
    .digest('base64url')
}
