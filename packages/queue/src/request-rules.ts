/** Who may send the requests of this package, and what they contain. */
import type { EntryId } from '@troupe/core'
import {
  anything,
  count,
  entryText,
  inheritShape,
  list,
  optional,
  real,
  record,
  type RequestRules,
  shape,
  text,
  textUpTo,
} from '@troupe/process/protocol'
import type { LinkRequests } from './link-protocol.ts'
import type { QueueRequests } from './protocol.ts'

/** Maximum length of the ids and keys of jobs. */
const longestId = 256
const id = textUpTo(longestId)
const mostOutcomes = 4_096

/** What is kept on the disk outlives the seal. */
const keeps =
  (action: string) =>
  ({ queue }: { readonly queue: EntryId }) => ({ name: 'use queues', action, resource: queue, byPolicy: true })

export const queueRequests: RequestRules<keyof QueueRequests> = {
  publishJob: {
    by: 'anyone',
    ask: shape({
      ...{ queue: entryText, payload: anything, id: optional(id), key: optional(id) },
      ...{ delay: real, priority: count, inherit: inheritShape },
    }),
    beyondSeal: keeps('queue.publish'),
  },
  jobProgress: { by: 'anyone', ask: shape({ queue: entryText, id, receipt: id, value: anything }) },
  getJob: { by: 'anyone', ask: shape({ queue: entryText, id }), beyondSeal: keeps('queue.get') },
  countJobs: { by: 'anyone', ask: shape({ queue: entryText }), beyondSeal: keeps('queue.get') },
  deadJobs: {
    by: 'anyone',
    ask: shape({ queue: entryText, limit: count, after: optional(id) }),
    beyondSeal: keeps('queue.get'),
  },
  replayJob: { by: 'anyone', ask: shape({ queue: entryText, id }), beyondSeal: keeps('queue.replay') },
  dropJob: { by: 'anyone', ask: shape({ queue: entryText, id }), beyondSeal: keeps('queue.drop') },
}

/** Between the kernel and the link. */
export const linkRequests: RequestRules<keyof LinkRequests> = {
  jobCommands: { by: ['link'], ask: shape({}) },
  jobOutcomes: {
    by: ['link'],
    ask: shape({
      outcomes: list(shape({ number: count, value: optional(anything), error: optional(record) }), mostOutcomes),
      ready: list(text, mostOutcomes),
    }),
  },
}
