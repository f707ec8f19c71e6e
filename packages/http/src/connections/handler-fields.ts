/** The process that handles a connection: fields that all kinds of connections have. */
import { duration, reference } from '@troupe/registry'
import { z } from 'zod'

export const handlerFields = {
  path: z
    .string()
    .startsWith('/', 'expected a path that begins with "/"')
    .describe("Path below the router's prefix; may contain parameters, as in `/rooms/{room}`."),
  process: reference('process.ts').optional().describe('The process that runs for each connection.'),
  host: reference('process.host').optional().describe('The host in which that process runs.'),
  input: z.array(z.unknown()).default([]).describe('Arguments of its method.'),
  target: z
    .string()
    .min(1)
    .optional()
    .describe('Name of one process that handles all connections, instead of one process for each.'),
  maxConnections: z.int().min(1).optional().describe('Simultaneous connections; further ones are refused with 503.'),
  closeTimeout: duration().default(10_000).describe('Maximum time for the other side, and the process, to end.'),
}

const schema = z.object(handlerFields)

/** Fields that all kinds of connections have. Times are milliseconds. */
export type HandlerFields = z.output<typeof schema>

/** Reports fields that contradict each other. */
export function checkHandler({ process, host, target }: HandlerFields, context: z.core.$RefinementCtx): void {
  const issue = (path: string, message: string) => {
    context.addIssue({ code: 'custom', path: [path], message })
  }
  if (target === undefined && process === undefined)
    issue('process', 'expected the process that runs for each connection, or a target')
  else if (target !== undefined && process !== undefined)
    issue('target', 'expected either a process for each connection, or a target for all')
  else if (process !== undefined && host === undefined) issue('host', 'expected the host that the process runs in')
}
