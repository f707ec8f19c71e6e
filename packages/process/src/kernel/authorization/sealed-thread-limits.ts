/**
 * Requests that a sealed thread may not make without permission: all that would run code in a thread that is not
 * sealed, change or stop such code, or read what belongs to it: variables of the program, entries with their
 * credentials, sessions of others. The rule of each request states it. Where policies govern the caller, they have
 * decided already; other callers cannot get this permission.
 */
import { denied } from '@troupe/core'
import type { Request, RequestRule } from '../../protocol/requests.ts'
import type { Authorizer } from './authorizer.ts'
import type { HostTable } from '../../host/host-table.ts'
import type { ProcessRecord } from '../process-table.ts'

export interface SealedThreadLimitsOptions {
  readonly authorizer: Authorizer
  readonly hosts: HostTable
}

/** @throws TroupeError `PermissionDenied` */
export function checkSealedThread(
  { authorizer, hosts }: SealedThreadLimitsOptions,
  { ask }: Request,
  rule: RequestRule,
  record: ProcessRecord,
): void {
  const what = rule.beyondSeal?.(ask, (host) => !hosts.has(host) || hosts.get(host).sealed)
  if (what === undefined || (what.byPolicy && authorizer.governs(record))) return
  throw denied(
    `${record.pid} runs in a sealed host, and may not ${what.name}${what.byPolicy ? ' unless policies allow it' : ''}`,
    {
      action: what.action,
      resource: what.resource,
    },
  )
}
