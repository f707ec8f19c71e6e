/**
 * Requests that a sealed thread may not make without permission: all that would run code in a thread that is not
 * sealed, or change such code. Where policies govern the caller, they have decided already; other callers cannot get
 * this permission.
 */
import { denied } from '@troupe/core'
import type { Request } from '../../protocol/requests.ts'
import type { Authorizer } from './authorizer.ts'
import type { HostTable } from '../../host/host-table.ts'
import type { ProcessRecord } from '../process-table.ts'

export interface SealedThreadLimitsOptions {
  readonly authorizer: Authorizer
  readonly hosts: HostTable
}

/** @throws TroupeError `PermissionDenied` */
export function checkSealedThread({ authorizer, hosts }: SealedThreadLimitsOptions, request: Request, record: ProcessRecord): void {
  const what = beyondSeal(hosts, request)
  if (what === undefined || (what.byPolicy && authorizer.governs(record))) return
  throw denied(`${record.pid} runs in a sealed host, and may not ${what.deed}${what.byPolicy ? ' unless policies allow it' : ''}`, {
    action: what.action,
    resource: what.resource,
  })
}

interface RestrictedAction {
  readonly deed: string
  readonly action: string
  readonly resource: string
  /** Whether policies can allow it. */
  readonly byPolicy: boolean
}

function beyondSeal(hosts: HostTable, { name, ask }: Request): RestrictedAction | undefined {
  switch (name) {
    case 'spawn':
      if (!hosts.has(ask.host) || hosts.get(ask.host).sealed) return undefined
      return {
        deed: `start anything in ${ask.host}, which is not sealed`,
        action: 'process.host',
        resource: ask.host,
        byPolicy: true,
      }
    case 'startChild':
    case 'restartChild':
      return { deed: 'start children of supervisors', action: 'process.spawn', resource: ask.supervisor, byPolicy: true }
    case 'apply':
    case 'rollback':
      return { deed: 'change the registry', action: 'registry.apply', resource: '*', byPolicy: true }
    case 'setEnv':
      return { deed: 'set variables', action: 'env.set', resource: ask.name, byPolicy: true }
    case 'input':
      return { deed: 'read the standard input of the program', action: 'input.read', resource: 'stdin', byPolicy: false }
    case 'bind':
      return {
        deed: 'listen: its threads could take no connections',
        action: 'network.bind',
        resource: ask.overlay,
        byPolicy: false,
      }
    default:
      return undefined
  }
}
