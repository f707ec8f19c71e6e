/**
 * What the kernel may ask a thread about itself. A reply consists of rows of a fixed number of cells, because a flat
 * list of numbers and texts is the cheapest to post and to check.
 */

/** What an inspection is about, with the number of cells of a row. */
export const rowWidths = {
  /** Pid, parent or '', entry, state, messages in the mailbox, messages handled, links, start in ms since 1970. */
  processes: 8,
  /** Number, overlay, target, 'out' or 'in', start in ms since 1970, pid, actor, bytes sent, bytes received. */
  connections: 9,
  /** Overlay, state, opened, failed, dialling, accepted, open, bytes sent and received, p50, p90, p99, max in ms. */
  overlays: 13,
  /** What was refused, how often. */
  refusals: 2,
  /** The counters, for threads that share no memory with the kernel. */
  counters: 1,
  /** Number of messages that were recorded. */
  recorded: 1,
  /** Time in ms since 1970, 'in' or 'out', 'send' or 'call', from, to, topic, bytes, id of the trace or ''. */
  messages: 8,
  /** From, its entry, to, messages, bytes. The pid of the receiver is '' for the sum of what was too much to list. */
  flows: 5,
} as const

export type InspectionSubject = keyof typeof rowWidths

/** Maximum number of cells in one message. */
export const mostCells = 20_000

/** Maximum number of characters in a cell. */
export const mostCellText = 1024
