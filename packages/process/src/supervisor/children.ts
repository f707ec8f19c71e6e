/** The children of a supervisor, in start order, whether they run or not. */
import { type EntryId, notFound, type Pid, TroupeError } from '@troupe/core'
import type { ChildCount, ChildView } from '../protocol/views.ts'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import type { Running } from '../service/service-instance.ts'
import type { Member } from './strategy.ts'

/** A running child: a process, or a supervisor with its own children. */
export interface RunningChild extends Running {
  readonly pid?: Pid
  /** Its name, if it is a supervisor. */
  readonly supervisor?: string
}

/** The place of a child, whether the child runs or not. */
export interface ChildSlot {
  readonly spec: ChildSpec
  child: RunningChild | undefined
}

export interface ChildrenOptions {
  /** Name of their supervisor. */
  readonly of: string
  readonly isSupervisor: (process: EntryId) => boolean
}

export class Children {
  readonly #options: ChildrenOptions
  #places: readonly ChildSlot[]

  constructor(specs: readonly ChildSpec[], options: ChildrenOptions) {
    this.#options = options
    this.#places = specs.map((spec) => ({ spec, child: undefined }))
  }

  /** The children in the form that the rules use. */
  get members(): readonly Member[] {
    return this.#places.map(asMember)
  }

  get views(): readonly ChildView[] {
    return this.#places.map((place) => this.view(place))
  }

  /** @throws TroupeError `NotFound` */
  get(id: string): ChildSlot {
    const place = this.#find(id)
    if (place !== undefined) return place
    throw notFound(`${this.#options.of} has no child "${id}"`, { supervisor: this.#options.of, child: id })
  }

  /** Returns a child that does not run. @throws TroupeError `NotFound`; `Conflict` when it runs. */
  resting(id: string): ChildSlot {
    const place = this.get(id)
    if (place.child === undefined) return place
    throw new TroupeError('Conflict', `child "${id}" of ${this.#options.of} runs: terminate it first`, {
      details: { ...this.view(place) },
    })
  }

  /** @throws TroupeError `AlreadyExists` for an id in use. */
  add(spec: ChildSpec): ChildSlot {
    const taken = this.#find(spec.id)
    if (taken !== undefined)
      throw new TroupeError('AlreadyExists', `${this.#options.of} has a child "${spec.id}" already`, {
        details: { ...this.view(taken) },
      })
    const place = { spec, child: undefined }
    this.#places = [...this.#places, place]
    return place
  }

  forget(place: ChildSlot): void {
    this.#places = this.#places.filter((other) => other !== place)
  }

  view({ spec, child }: ChildSlot): ChildView {
    const { id, process, restart, significant } = spec
    const type = this.#options.isSupervisor(process) ? 'supervisor' : 'process'
    return { id, process, type, restart, significant, pid: child?.pid, supervisor: child?.supervisor }
  }

  #find(id: string): ChildSlot | undefined {
    return this.#places.find(({ spec }) => spec.id === id)
  }
}

export function childCount(views: readonly ChildView[]): ChildCount {
  const supervisors = views.filter(({ type }) => type === 'supervisor').length
  const active = views.filter(({ pid, supervisor }) => pid !== undefined || supervisor !== undefined).length
  return { specs: views.length, active, supervisors, workers: views.length - supervisors }
}

export function asMember({ spec, child }: ChildSlot): Member {
  const { id, restart, significant } = spec
  return { id, restart, significant, up: child !== undefined }
}
