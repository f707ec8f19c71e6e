/**
 * Authorises requests to the kernel: checks each of the kernel's actions against the policies in force for the caller.
 */
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, invalid, type Pid } from '@troupe/core'
import { checkMeta, maxName } from '@troupe/policy'
import type { Security } from '@troupe/policy/kernel'
import type { ChosenContext, InheritedContext, SpawnRequest } from '../../protocol/programs.ts'
import { checkChoice, checkInheritance } from './validate-request.ts'
import type { ProcessRecord } from '../process-table.ts'

/**
 * Actions that a thread performs by itself and requests permission for beforehand: the targets are processes, addresses
 * and URLs.
 */
const askable = /^(?:process\.(?:send|monitor|unmonitor|link|unlink)|http_client\.\w+|socket\.\w+|network\.bind)$/

export class Authorizer {
  readonly #security: Security

  constructor(security: Security) {
    this.#security = security
  }

  /** Whether policies govern any action of `record`. */
  governs(record: ProcessRecord): boolean {
    return this.#security.governs(record.frame)
  }

  /** @throws TroupeError `PermissionDenied`, with action and resource. */
  check(record: ProcessRecord, action: string, resource: string, meta?: Readonly<Record<string, unknown>>): void {
    if (typeof resource !== 'string') throw invalid('a resource is a text')
    if (resource.length > maxName) throw invalid(`a resource is longer than ${maxName} characters`)
    this.#security.check(record.frame, action, resource, meta)
  }

  /** Whether `record` may perform `action`, as one check among many: nothing is recorded. */
  allows(record: ProcessRecord, action: string, resource: string): boolean {
    const { actor, scope } = record.frame
    if (!this.governs(record)) return true
    return scope !== undefined && actor !== undefined && this.#security.evaluate(scope, actor, action, resource) === 'allow'
  }

  /** Whether `record` may perform `action`, when code checks its own permissions. */
  can(record: ProcessRecord, action: string, resource: string, meta: Readonly<Record<string, unknown>>): boolean {
    if (action.length > maxName || resource.length > maxName) throw invalid(`an action or a resource is longer than ${maxName} characters`)
    checkMeta(meta, 'meta')
    return this.#security.decide(record.frame, action, resource, meta) === 'allow'
  }

  /**
   * Checks whether `record` may perform `action` on the process `target`. Policies see which entry the target runs, and
   * in which host.
   */
  checkTarget(record: ProcessRecord, action: string, target: ProcessRecord): void {
    if (this.governs(record)) this.check(record, action, target.pid, targetMeta(target))
  }

  /** Checks an action that the thread of `record` is about to perform by itself. */
  checkOwnAction(record: ProcessRecord, action: string, resource: string, about: { target?: ProcessRecord; port?: number } = {}): void {
    if (!askable.test(action)) throw invalid(`${action} is not an action for which threads request permission`, { action })
    const { target, port } = about
    this.check(record, action, resource, target ? targetMeta(target) : Number.isInteger(port) ? { port } : undefined)
  }

  /**
   * Checks a spawn, except for its overlay. A malformed request fails with `Invalid` for every caller, also for one
   * that policies do not govern.
   */
  checkSpawn(record: ProcessRecord, ask: SpawnRequest): void {
    const { entry, host, name } = ask
    this.#checkFrame('process', record, ask)
    if (!this.governs(record)) return
    for (const action of spawnActions(ask)) this.check(record, action, entry, { host })
    this.check(record, 'process.host', host)
    if (name !== undefined) this.check(record, 'process.registry.register', name)
  }

  /** Checks the program of an entry that is to run instead of the caller's own, or next to it. */
  checkProgram(record: ProcessRecord, entry: EntryId): void {
    if (!this.governs(record) || entry === record.entry) return
    this.check(record, 'process.spawn', entry, record.host && { host: record.host.id })
  }

  /** Checks a call of a function, except for its overlay. */
  checkCall(
    record: ProcessRecord,
    ask: { readonly entry: EntryId; readonly choice: ChosenContext; readonly inherit: InheritedContext },
  ): void {
    this.#checkFrame('funcs', record, ask)
    if (this.governs(record)) this.check(record, 'funcs.call', ask.entry)
  }

  /**
   * Checks what a caller passes on by inheritance, without a choice. @throws TroupeError `Invalid`, `PermissionDenied`
   */
  checkInherited(record: ProcessRecord, inherit: InheritedContext): void {
    this.#checkFrame('funcs', record, { choice: {}, inherit })
  }

  /** Checks names of processes. The caller's own name needs one permission; another process's name needs a second. */
  checkName(record: ProcessRecord, action: 'register' | 'unregister', name: string, target: Pid | undefined): void {
    if (!this.governs(record)) return
    this.check(record, `process.registry.${action}`, name)
    if (target !== undefined && target !== record.pid) this.check(record, 'process.registry.foreign', target)
  }

  /**
   * Checks groups of processes. For a member other than the caller, the permission for names of others is needed too.
   */
  checkGroup(record: ProcessRecord, action: 'join' | 'leave' | 'broadcast', group: string, target?: Pid): void {
    if (!this.governs(record)) return
    this.check(record, `process.group.${action}`, group)
    if (target !== undefined && target !== record.pid) this.check(record, 'process.registry.foreign', target)
  }

  #checkFrame(area: 'process' | 'funcs', record: ProcessRecord, { choice, inherit }: Pick<SpawnRequest, 'choice' | 'inherit'>): void {
    checkChoice(choice, this.#security.policies)
    checkInheritance(inherit)
    if (!this.governs(record)) return
    if (choice.actor !== undefined || choice.scope !== undefined) this.check(record, `${area}.security`, 'security')
    // Added values are those that the kernel did not issue, whatever the thread claims.
    if (!isDeepStrictEqual(inherit.values, record.frame.values)) this.check(record, `${area}.context`, 'context')
  }
}

function spawnActions({ monitor, link }: SpawnRequest): readonly string[] {
  if (monitor !== undefined && monitor.promise !== 0) return ['process.exec']
  const actions = [...(monitor ? ['process.spawn.monitored'] : []), ...(link !== undefined ? ['process.spawn.linked'] : [])]
  return actions.length > 0 ? actions : ['process.spawn']
}

function targetMeta({ entry, host }: ProcessRecord) {
  return { ...(entry !== undefined && { entry }), ...(host && { host: host.id }) }
}
