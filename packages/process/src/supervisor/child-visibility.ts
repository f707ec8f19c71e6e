/** Which children of supervisors code may know of: those whose process it may do something to, or which it may end. */
import type { Pid } from '@troupe/core'
import type { Kernel } from '../kernel/kernel.ts'
import type { ProcessRecord } from '../kernel/process-table.ts'
import type { ChildView } from '../protocol/views.ts'

/** The name under which a child's process is registered. */
export function childName(supervisor: string, child: string): string {
  return `${supervisor}/${child}`
}

export class ChildVisibility {
  readonly #kernel: Pick<Kernel, 'authorizer' | 'processes'>
  /** The children of a supervisor; none for one that does not run. */
  readonly #children: (supervisor: string) => readonly ChildView[]

  constructor(
    kernel: Pick<Kernel, 'authorizer' | 'processes'>,
    children: (supervisor: string) => readonly ChildView[],
  ) {
    this.#kernel = kernel
    this.#children = children
  }

  /** What policies see of a child, beside its name: the same as of its process. */
  about(supervisor: string, child: string): Readonly<Record<string, unknown>> {
    const found = this.#children(supervisor).find(({ id }) => id === child)
    const host = found?.pid && this.#kernel.processes.get(found.pid)?.host?.id
    return { supervisor, ...(found && { entry: found.process }), ...(host !== undefined && { host }) }
  }

  /** The children of a supervisor that the caller may know of; `undefined` where the supervisor is hidden from it. */
  seen(supervisor: string, record: ProcessRecord): readonly ChildView[] | undefined {
    const children = this.#children(supervisor)
    if (!this.#kernel.authorizer.governs(record)) return children
    const seen = children.filter((child) => this.#sees(supervisor, record, child))
    return seen.length > 0 ? seen : undefined
  }

  #sees(supervisor: string, record: ProcessRecord, { id, pid, supervisor: below }: ChildView): boolean {
    const about = this.about(supervisor, id)
    if (this.#kernel.authorizer.allows(record, 'process.terminate', childName(supervisor, id), about)) return true
    if (pid !== undefined) return this.seesProcess(record, pid)
    return below !== undefined && this.#children(below).some((child) => this.#sees(below, record, child))
  }

  seesProcess(record: ProcessRecord, pid: Pid): boolean {
    const { processes, authorizer } = this.#kernel
    const target = processes.get(pid)
    return target !== undefined && authorizer.sees(record, target)
  }
}
