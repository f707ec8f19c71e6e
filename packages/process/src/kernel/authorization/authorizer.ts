/**
 * Authorises requests to the kernel: checks each of the kernel's actions against the policies in force for the caller.
 */
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, invalid, type Pid } from '@troupe/core'
import { checkMeta, maxName } from '@troupe/policy'
import type { Security } from '@troupe/policy/kernel'
import type { ChosenContext, SpawnRequest } from '../../protocol/programs.ts'
import { checkChoice, checkInheritance, checkPoliciesExist } from './validate-request.ts'
import type { ProcessRecord, ProcessTable } from '../process-table.ts'

/** Actions that a thread performs by itself and requests permission for beforehand: on processes and addresses. */
const ownActions = /^(?:process\.(?:send|monitor|unmonitor|link|unlink)|socket\.\w+|network\.bind)$/

/** Actions on processes: code that may perform one of them on a process may know that it exists. */
const targetActions = ['send', 'monitor', 'link', 'terminate', 'cancel'].map((name) => `process.${name}`)

/** A child that code adds to a supervisor. */
interface AddedChild {
  /** The name under which its process will be registered. */
  readonly name: string
  readonly process: string
  readonly host?: string | undefined
}

export class Authorizer {
  readonly #security: Security
  /** Further areas of such actions, of the packages above this one. */
  readonly #ownAreas = new Set<string>()
  /** Areas of actions that start something, for which their callers can choose actor and scope. */
  readonly #startAreas = new Set(['process'])
  readonly #processes: Pick<ProcessTable, 'get'>

  constructor(security: Security, processes: Pick<ProcessTable, 'get'>) {
    this.#security = security
    this.#processes = processes
  }

  /** Lets threads request permission for the actions `<area>.…`, which they perform by themselves. */
  addOwnActions(area: string): void {
    this.#ownAreas.add(area)
  }

  /** Lets callers choose actor and scope for what they start by the actions `<area>.…`. */
  addStartArea(area: string): void {
    this.#startAreas.add(area)
  }

  #isOwnAction(action: string): boolean {
    if (ownActions.test(action)) return true
    const [area = '', name = '', ...more] = action.split('.')
    return this.#ownAreas.has(area) && /^\w+$/.test(name) && more.length === 0
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
  allows(record: ProcessRecord, action: string, resource: string, meta?: Readonly<Record<string, unknown>>): boolean {
    const { actor, scope } = record.frame
    if (!this.governs(record)) return true
    return (
      scope !== undefined &&
      actor !== undefined &&
      this.#security.evaluate(scope, actor, action, resource, meta) === 'allow'
    )
  }

  /**
   * Whether `record` may know that `target` exists: it is itself, or it may do something to it. Nothing is recorded.
   */
  sees(record: ProcessRecord, target: ProcessRecord): boolean {
    if (!this.governs(record) || target.pid === record.pid) return true
    const meta = targetMeta(target)
    return targetActions.some((action) => this.allows(record, action, target.pid, meta))
  }

  /** The same for a process that `record` looks up by its name: a refusal is recorded as one of `process.send`. */
  finds(record: ProcessRecord, target: ProcessRecord): boolean {
    if (this.sees(record, target)) return true
    this.#security.decide(record.frame, 'process.send', target.pid, targetMeta(target))
    return false
  }

  /**
   * Whether `record` may know a policy: it is in force for it, it may read its entry, or it may choose any scope for
   * what it starts.
   */
  seesPolicy(record: ProcessRecord, policy: EntryId): boolean {
    return (
      record.frame.scope?.includes(policy) === true ||
      [...this.#startAreas].some((area) => this.allows(record, `${area}.security`, 'security')) ||
      this.allows(record, 'registry.get', policy)
    )
  }

  /** @throws TroupeError `PermissionDenied`, whether the policy exists or not. */
  checkPolicy(record: ProcessRecord, policy: EntryId): void {
    if (!this.seesPolicy(record, policy)) this.check(record, 'registry.get', policy)
  }

  /** Whether `record` may perform `action`, when code checks its own permissions. */
  can(record: ProcessRecord, action: string, resource: string, meta: Readonly<Record<string, unknown>>): boolean {
    if (action.length > maxName || resource.length > maxName)
      throw invalid(`an action or a resource is longer than ${maxName} characters`)
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

  /**
   * Looks up the process on which `record` is about to perform `action`. Code that may not do that to an unknown
   * process does not learn which ones exist.
   *
   * @throws TroupeError `PermissionDenied`, or what `find` throws.
   */
  async target(
    record: ProcessRecord,
    action: string,
    pid: Pid,
    find: (pid: Pid) => Promise<ProcessRecord>,
  ): Promise<ProcessRecord> {
    try {
      return await find(pid)
    } catch (error) {
      if (this.governs(record)) this.check(record, action, pid)
      throw error
    }
  }

  /** Checks an action that the thread of `record` is about to perform by itself. */
  checkOwnAction(
    record: ProcessRecord,
    action: string,
    resource: string,
    about: { target?: ProcessRecord; port?: number } = {},
  ): void {
    if (!this.#isOwnAction(action))
      throw invalid(`${action} is not an action for which threads request permission`, { action })
    const { target, port } = about
    this.check(record, action, resource, target ? targetMeta(target) : Number.isInteger(port) ? { port } : undefined)
  }

  /**
   * Checks a spawn, except for its overlay. A malformed request fails with `Invalid` for every caller, also for one
   * that policies do not govern.
   */
  checkSpawn(record: ProcessRecord, ask: SpawnRequest): void {
    const { entry, host, name } = ask
    this.checkFrame('process', record, ask)
    if (this.governs(record)) {
      for (const action of spawnActions(ask)) this.check(record, action, entry, { host })
      this.check(record, 'process.host', host)
      if (name !== undefined) this.check(record, 'process.registry.register', name)
    }
    this.checkPoliciesExist(ask.choice)
  }

  /** Last of all, so that only code that may choose them learns which exist. @throws TroupeError `NotFound` */
  checkPoliciesExist(choice: ChosenContext): void {
    checkPoliciesExist(choice, this.#security.policies)
  }

  /**
   * Checks a child that `record` adds to a supervisor. Its name and a host that it names need permission as in a spawn:
   * by failing, a child ends its siblings, so not everyone may add one anywhere.
   */
  checkChild(record: ProcessRecord, supervisor: string, { name, process, host }: AddedChild): void {
    if (!this.governs(record)) return
    this.check(record, 'process.spawn', process, { supervisor })
    if (host !== undefined) this.check(record, 'process.host', host)
    this.check(record, 'process.registry.register', name)
  }

  /** Checks the program of an entry that is to run instead of the caller's own, or next to it. */
  checkProgram(record: ProcessRecord, entry: EntryId): void {
    if (!this.governs(record) || entry === record.entry) return
    this.check(record, 'process.spawn', entry, record.host && { host: record.host.id })
  }

  /** Checks names of processes. The caller's own name needs one permission; another process's name needs a second. */
  checkName(record: ProcessRecord, action: 'register' | 'unregister', name: string, target: Pid | undefined): void {
    if (!this.governs(record)) return
    this.check(record, `process.registry.${action}`, name)
    this.#checkForeign(record, target)
  }

  /**
   * Checks groups of processes. For a member other than the caller, the permission for names of others is needed too.
   */
  checkGroup(record: ProcessRecord, action: 'join' | 'leave' | 'broadcast', group: string, target?: Pid): void {
    if (!this.governs(record)) return
    this.check(record, `process.group.${action}`, group)
    this.#checkForeign(record, target)
  }

  #checkForeign(record: ProcessRecord, target: Pid | undefined): void {
    if (target === undefined || target === record.pid) return
    const known = this.#processes.get(target)
    this.check(record, 'process.registry.foreign', target, known && targetMeta(known))
  }

  /**
   * Checks what a caller chooses, and what it passes on by inheritance. @param area - That of the action, in policies:
   * `process`. @throws TroupeError `Invalid`, `PermissionDenied`
   */
  checkFrame(area: string, record: ProcessRecord, { choice, inherit }: Pick<SpawnRequest, 'choice' | 'inherit'>): void {
    checkChoice(choice)
    checkInheritance(inherit)
    if (!this.governs(record)) return
    if (choice.actor !== undefined || choice.scope !== undefined) this.check(record, `${area}.security`, 'security')
    // Added values are those that the kernel did not issue, whatever the thread claims.
    if (!isDeepStrictEqual(inherit.values, record.frame.values)) this.check(record, `${area}.context`, 'context')
  }
}

function spawnActions({ monitor, link }: SpawnRequest): readonly string[] {
  const actions = [
    ...(monitor === undefined ? [] : [monitor.promise === 0 ? 'process.spawn.monitored' : 'process.exec']),
    ...(link === undefined ? [] : ['process.spawn.linked']),
  ]
  return actions.length > 0 ? actions : ['process.spawn']
}

function targetMeta({ entry, host }: ProcessRecord) {
  return { ...(entry !== undefined && { entry }), ...(host && { host: host.id }) }
}
