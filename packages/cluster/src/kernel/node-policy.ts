/** What other nodes may do here: what the policies of `cluster.accept` allow the actor `node:<name>`. */
import { emptyFrame, type EntryId, fork, type Pid } from '@troupe/core'
import type { Kernel, ProcessRecord } from '@troupe/process/kernel'
import type { Privileges, SenderFrame } from '@troupe/process/protocol'
import type { ClusterConfig } from './link-settings.ts'

export class NodePolicy {
  readonly #kernel: Kernel
  readonly #groups: readonly string[] | undefined

  constructor(kernel: Kernel, { accept }: Pick<ClusterConfig, 'accept'>) {
    this.#kernel = kernel
    this.#groups = accept?.groups
  }

  /** Whether policies are asked for each action of another node. */
  get privileges(): Privileges {
    return { policyEnforced: this.#groups !== undefined || this.#kernel.security.strictMode }
  }

  /** For whom the processes of a node act here. What it claims itself counts for nothing. */
  acting(node: string): SenderFrame {
    const scope = this.#scope()
    return { actor: { id: `node:${node}`, meta: {} }, scope, values: {} }
  }

  /** Whether a node may perform `action` on a process here. */
  async may(node: string, action: string, target: Pid): Promise<boolean> {
    if (!this.privileges.policyEnforced) return true
    const found = await this.#kernel.discovery.find(target).catch(() => undefined)
    if (found === undefined) return false
    const { actor, scope } = this.acting(node)
    const record = { pid: target, frame: fork(emptyFrame, { actor, scope }) }
    const by: ProcessRecord = { ...record, entry: undefined, host: undefined, onExit: undefined }
    try {
      this.#kernel.authorizer.checkTarget(by, action, found)
      return true
    } catch {
      return false
    }
  }

  /** No policies at all, where one of the groups has none: that denies everything. */
  #scope(): readonly EntryId[] | undefined {
    try {
      return this.#groups?.flatMap((group) => [...this.#kernel.security.namedScope(group).policies])
    } catch {
      return []
    }
  }
}
