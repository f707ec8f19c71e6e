/**
 * Identifies the caller of a request, and checks whether its role allows the request at all. The role is what the
 * kernel started it as.
 */
import { denied, emptyFrame, threadOf } from '@troupe/core'
import type { Request, RequestName } from '../../protocol/requests.ts'
import { requestRules } from '../../protocol/request-rules.ts'
import type { ProcessRecord, ProcessTable } from '../process-table.ts'
import type { ThreadPrivileges } from './thread-privileges.ts'
import type { Thread } from '../../worker-threads/thread.ts'

export interface RequesterOptions {
  readonly processes: ProcessTable
  readonly privileges: ThreadPrivileges
}

/** Requests made for a thread, not for one process in it. */
const ofThreads: ReadonlySet<RequestName> = new Set(['route', 'leaseAddresses', 'isAddressLeased'])

/** @throws TroupeError `PermissionDenied` */
export function requesterOf(options: RequesterOptions, request: Request, thread: Thread): ProcessRecord {
  const record = claimant(options, request, thread)
  const { name } = request
  const { pid, role = 'process' } = record
  if (requestRules[name].by.includes(role)) return record
  throw denied(`${pid} is a ${role}, which may not send the request "${name}"`, { action: name, resource: pid })
}

/**
 * The thread's own network is the same for all code in it. So its route is also given to code whose process has ended
 * or is unknown. The same applies to connections of sealed threads if policies govern none of their code.
 */
function claimant({ processes, privileges }: RequesterOptions, { name, by }: Request, thread: Thread): ProcessRecord {
  const isOfThread = ofThreads.has(name) || ((name === 'dial' || name === 'resolve') && !privileges.of(thread.number).policyEnforced)
  if (!isOfThread || threadOf(by) !== thread.number || processes.get(by) !== undefined) return processes.claimant(by, thread.number)
  return { pid: by, entry: undefined, frame: emptyFrame, host: undefined, onExit: undefined }
}
