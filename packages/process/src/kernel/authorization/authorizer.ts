/** What those who ask the kernel for something may do: each action of the kernel's own, put to the policies in force for the one who asks. */
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, invalid, type Pid } from '@troupe/core'
import { checkMeta, maxName } from '@troupe/policy'
import type { Security } from '@troupe/policy/kernel'
import type { ChosenContext, InheritedContext, SpawnRequest } from '../../protocol/kernel-thread.ts'
import { checkChoice, checkInheritance } from './validate-request.ts'
import type { ProcessRecord } from '../process-table.ts'

/** Actions that a thread carries out by itself and asks about before: the targets are processes, addresses and URLs. */
const askable = /^(?:process\.(?:send|monitor|unmonitor|link|unlink)|http_client\.\w+|socket\.\w+|network\.bind)$/

export class Authorizer {
  readonly #security: Security

  constructor(security: Security) {
    this.#security = security
  }

  /** Whether anything that `record` does is asked about. */
  governs(record: ProcessRecord): boolean {
    return this.#security.governs(record.frame)
  }

  /** @throws TroupeError `PermissionDenied`, with action and resource. */
  check(record: ProcessRecord, action: string, resource: string, meta?: Readonly<Record<string, unknown>>): void {
    if (typeof resource !== 'string') throw invalid('a resource is a text')
    if (resource.length > maxName) throw invalid(`a resource is longer than ${maxName} characters`)
    this.#security.check(record.frame, action, resource, meta)
  }

  /** Whether `record` may do `action`, as a question among many: nothing is recorded. */
  allows(record: ProcessRecord, action: string, resource: string): boolean {
    const { actor, scope } = record.frame
    if (!this.governs(record)) return true
    return scope !== undefined && actor !== undefined && this.#security.evaluate(scope, actor, action, resource) === 'allow'
  }

  /** Whether `record` may do `action`, as code asks itself. */
  can(record: ProcessRecord, action: string, resource: string, meta: Readonly<Record<string, unknown>>): boolean {
    if (action.length > maxName || resource.length > maxName) throw invalid(`an action or a resource is longer than ${maxName} characters`)
    checkMeta(meta, 'meta')
    return this.#security.decide(record.frame, action, resource, meta) === 'allow'
  }

  /** Whether `record` may do what it can do to the process `target`; policies see what that runs, and where. */
  checkTarget(record: ProcessRecord, action: string, target: ProcessRecord): void {
    if (this.governs(record)) this.check(record, action, target.pid, targetMeta(target))
  }

  /** An action that the thread of `record` is about to carry out by itself. */
  checkOwnAction(record: ProcessRecord, action: string, resource: string, about: { target?: ProcessRecord; port?: number } = {}): void {
    if (!askable.test(action)) throw invalid(`${action} is no action that threads ask about`, { action })
    const { target, port } = about
    this.check(record, action, resource, target ? targetMeta(target) : Number.isInteger(port) ? { port } : undefined)
  }

  /** A spawn, but for its overlay. What is wrong in the request itself is `Invalid`, the caller. */
  checkSpawn(record: ProcessRecord, ask: SpawnRequest): void {
    const { entry, host, name } = ask
    this.#checkFrame('process', record, ask)
    if (!this.governs(record)) return
    for (const action of spawnActions(ask)) this.check(record, action, entry, { host })
    this.check(record, 'process.host', host)
    if (name !== undefined) this.check(record, 'process.registry.register', name)
  }

  /** The program of an entry, to run in the place of one's own or beside it. */
  checkProgram(record: ProcessRecord, entry: EntryId): void {
    if (!this.governs(record) || entry === record.entry) return
    this.check(record, 'process.spawn', entry, record.host && { host: record.host.id })
  }

  /** A call of a function, but for its overlay. */
  checkCall(
    record: ProcessRecord,
    ask: { readonly entry: EntryId; readonly choice: ChosenContext; readonly inherit: InheritedContext },
  ): void {
    this.#checkFrame('funcs', record, ask)
    if (this.governs(record)) this.check(record, 'funcs.call', ask.entry)
  }

  /** What a caller hands on, where nothing was chosen. @throws TroupeError `Invalid`, `PermissionDenied` */
  checkInherited(record: ProcessRecord, inherit: InheritedContext): void {
    this.#checkFrame('funcs', record, { choice: {}, inherit })
  }

  /** Names of processes: one's own needs one permission, another's a second. */
  checkName(record: ProcessRecord, action: 'register' | 'unregister', name: string, target: Pid | undefined): void {
    if (!this.governs(record)) return
    this.check(record, `process.registry.${action}`, name)
    if (target !== undefined && target !== record.pid) this.check(record, 'process.registry.foreign', target)
  }

  /** Groups of processes: a member other than oneself needs the permission for names of others, too. */
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
    // What was added is what the kernel did not issue, whatever the thread says about it.
    if (!isDeepStrictEqual(inherit.values, record.frame.values)) this.check(record, `${area}.context`, 'context')
  }
}

function spawnActions({ monitor, link }: SpawnRequest): readonly string[] {
  if (monitor !== undefined && monitor.promise !== 0) return ['process.exec']
  const bonds = [...(monitor ? ['process.spawn.monitored'] : []), ...(link !== undefined ? ['process.spawn.linked'] : [])]
  return bonds.length > 0 ? bonds : ['process.spawn']
}

function targetMeta({ entry, host }: ProcessRecord) {
  return { ...(entry !== undefined && { entry }), ...(host && { host: host.id }) }
}
