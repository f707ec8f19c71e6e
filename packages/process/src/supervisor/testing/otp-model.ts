/** A model of OTP's `supervisor`: its starts and stops, step by step, by the functions of supervisor.erl. */
import type { AutoShutdown, RestartType, Rules } from '../strategy.ts'

export interface ModelChild {
  readonly id: string
  readonly restart: RestartType
  readonly significant: boolean
  up: boolean
}

export class OtpModel {
  readonly trace: string[] = []
  /** In the order of their start. */
  children: ModelChild[] = []
  alive = true
  now = 0
  /** How often each child still fails to start. */
  readonly failures = new Map<string, number>()
  readonly #rules: Rules
  #restarts: number[] = []

  constructor(rules: Rules) {
    this.#rules = rules
  }

  /** handle_call({start_child, ...}) */
  startChild(child: Omit<ModelChild, 'up'>): 'ok' | 'refused' {
    if (!this.alive || this.children.some(({ id }) => id === child.id)) return 'refused'
    const added = { ...child, up: false }
    if (!this.#doStart(added)) return 'refused'
    this.children.push(added)
    return 'ok'
  }

  terminateChild(id: string): 'ok' | 'refused' {
    const child = this.#alive(id)
    if (child === undefined) return 'refused'
    this.#doTerminate(child)
    if (child.restart === 'temporary') this.#remove(child)
    return 'ok'
  }

  restartChild(id: string): 'ok' | 'refused' {
    const child = this.#alive(id)
    return child !== undefined && !child.up && this.#doStart(child) ? 'ok' : 'refused'
  }

  deleteChild(id: string): 'ok' | 'refused' {
    const child = this.#alive(id)
    if (child === undefined || child.up) return 'refused'
    this.#remove(child)
    return 'ok'
  }

  /** handle_info({'EXIT', ...}) and do_restart */
  exit(id: string, reason: 'normal' | 'crash'): void {
    const child = this.#alive(id)
    if (child === undefined || !child.up) return
    child.up = false
    if (child.restart === 'permanent' || (child.restart === 'transient' && reason === 'crash')) {
      this.#restart(child)
      return
    }
    if (child.restart === 'temporary') this.#remove(child)
    if (this.#autoShutdown(child)) this.#terminate()
  }

  /** restart/2: add_restart, and again for each try_again. */
  #restart(first: ModelChild): void {
    let child: ModelChild | undefined = first
    while (child !== undefined) {
      this.#restarts = [this.now, ...this.#restarts].filter((then) => this.now <= then + this.#rules.maxSeconds * 1000)
      if (this.#restarts.length > this.#rules.maxRestarts) {
        this.#terminate()
        return
      }
      child = this.#restartBy(child)
    }
  }

  /** restart/3; returns the child to try again. */
  #restartBy(child: ModelChild): ModelChild | undefined {
    if (this.#rules.strategy === 'one_for_one') return this.#doStart(child) ? undefined : child
    const at = this.#rules.strategy === 'rest_for_one' ? this.children.indexOf(child) : 0
    const before = this.children.slice(0, at)
    const kept: ModelChild[] = []
    // terminate_children: from the last, temporary ones drop out.
    for (const other of this.children.slice(at).toReversed()) {
      this.#doTerminate(other)
      if (other.restart !== 'temporary') kept.unshift(other)
    }
    this.children = [...before, ...kept]
    return kept.find((other) => !this.#doStart(other))
  }

  #terminate(): void {
    for (const child of this.children.toReversed()) this.#doTerminate(child)
    this.children = this.children.filter(({ restart }) => restart !== 'temporary')
    this.alive = false
  }

  #autoShutdown({ significant }: ModelChild): boolean {
    const by: Record<AutoShutdown, () => boolean> = {
      never: () => false,
      any_significant: () => significant,
      all_significant: () => significant && !this.children.some((other) => other.significant && other.up),
    }
    return by[this.#rules.autoShutdown]()
  }

  #doStart(child: ModelChild): boolean {
    const failures = this.failures.get(child.id) ?? 0
    this.failures.set(child.id, Math.max(0, failures - 1))
    this.trace.push(failures > 0 ? `fail ${child.id}` : `start ${child.id}`)
    child.up = failures === 0
    return child.up
  }

  #doTerminate(child: ModelChild): void {
    if (child.up) this.trace.push(`stop ${child.id}`)
    child.up = false
  }

  #alive(id: string): ModelChild | undefined {
    return this.alive ? this.children.find((child) => child.id === id) : undefined
  }

  #remove(child: ModelChild): void {
    this.children = this.children.filter((other) => other !== child)
  }
}
