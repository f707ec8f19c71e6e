/** Which process a connection is handed to: what the kinds of connections have in common. */
import { duration, reference } from '@troupe/registry'
import { z } from 'zod'

export const handlerFields = {
  /** Below the router's prefix; may hold parameters, as in `/rooms/{room}`. */
  path: z.string().startsWith('/', 'expected a path that begins with "/"'),
  /** What runs for each connection. */
  process: reference('process.ts').optional(),
  /** Where that runs. */
  host: reference('process.host').optional(),
  /** Arguments of its method. */
  input: z.array(z.unknown()).default([]),
  /** Name of a process that all connections are handed to, instead of one for each. */
  target: z.string().min(1).optional(),
  /** Connections at a time; beyond, they are refused with 503. */
  maxConnections: z.int().min(1).optional(),
  /** What the other side, and the process, may take to come to an end. */
  closeTimeout: duration().default(10_000),
}

const schema = z.object(handlerFields)

/** Fields that all kinds of connections have. Times are milliseconds. */
export type HandlerFields = z.output<typeof schema>

/** What is wrong with them together. */
export function checkHandler({ process, host, target }: HandlerFields, context: z.core.$RefinementCtx): void {
  const issue = (path: string, message: string) => {
    context.addIssue({ code: 'custom', path: [path], message })
  }
  if (target === undefined && process === undefined) issue('process', 'expected the process that runs for each connection, or a target')
  else if (target !== undefined && process !== undefined)
    issue('target', 'expected either a process for each connection, or a target for all')
  else if (process !== undefined && host === undefined) issue('host', 'expected the host that the process runs in')
}
