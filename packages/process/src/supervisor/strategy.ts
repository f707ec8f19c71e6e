/**
 * The rules by which a supervisor of processes acts, as Erlang/OTP has them (https://www.erlang.org/doc/apps/stdlib/supervisor.html).
 * Nothing here starts or stops anything.
 */

/** Which children start anew when one has to: that one, all, or that one and those that were started after it. */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one'

/** When a child starts anew: whenever it ends, only when it failed, or never. */
export type RestartType = 'permanent' | 'transient' | 'temporary'

/** When the supervisor ends by itself: never, or with the first or the last of its significant children. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant'

export interface Rules {
  readonly strategy: Strategy
  /** Restarts that it takes within `maxSeconds`; with one more it fails itself. */
  readonly maxRestarts: number
  readonly maxSeconds: number
  readonly autoShutdown: AutoShutdown
}

/** A child, as far as the rules look at it. */
export interface Member {
  readonly id: string
  readonly restart: RestartType
  readonly significant: boolean
  /** Whether it runs. */
  readonly up: boolean
}

/** What to stop and what to start, each in that order. */
export interface RestartPlan {
  readonly stop: readonly string[]
  readonly start: readonly string[]
}

/** What becomes of a child that ended by itself. `members` are in the order of their start. */
export function exitDecision(rules: Rules, members: readonly Member[], ended: Member, failed: boolean): 'restart' | 'shutdown' | 'leave' {
  if (ended.restart === 'permanent' || (ended.restart === 'transient' && failed)) return 'restart'
  if (!ended.significant || rules.autoShutdown === 'never') return 'leave'
  const others = members.some(({ id, significant, up }) => id !== ended.id && significant && up)
  return rules.autoShutdown === 'all_significant' && others ? 'leave' : 'shutdown'
}

/** Who stops and who starts when `id` is started anew. Temporary children that are stopped for it do not come back. */
export function restartPlan(strategy: Strategy, members: readonly Member[], id: string): RestartPlan {
  const at = members.findIndex((member) => member.id === id)
  const first = strategy === 'one_for_all' ? 0 : at
  const concerned = strategy === 'one_for_one' ? members.slice(at, at + 1) : members.slice(first)
  return {
    stop: stopOrder(concerned.filter((member) => member.id !== id)),
    start: concerned.filter((member) => member.id === id || !isForgotten(member)).map((member) => member.id),
  }
}

/** Who runs, the last that was started first. */
export function stopOrder(members: readonly Member[]): readonly string[] {
  return members
    .filter(({ up }) => up)
    .map(({ id }) => id)
    .toReversed()
}

/** Whether nothing is kept of a child once it has ended or was stopped. */
export function isForgotten({ restart }: Pick<Member, 'restart'>): boolean {
  return restart === 'temporary'
}

/** Counts a restart at `now` (milliseconds) in. The supervisor gives up once there are more than it takes within its time. */
export function countRestart(
  rules: Rules,
  before: readonly number[],
  now: number,
): { readonly restarts: readonly number[]; readonly givesUp: boolean } {
  const restarts = [...before, now].filter((then) => now - then <= rules.maxSeconds * 1000)
  return { restarts, givesUp: restarts.length > rules.maxRestarts }
}

/** Why a child can not be one of a supervisor with these rules, if it can not. */
export function childSpecError(
  { autoShutdown }: Pick<Rules, 'autoShutdown'>,
  child: Pick<Member, 'restart' | 'significant'>,
): string | undefined {
  if (!child.significant) return undefined
  if (child.restart === 'permanent') return 'a permanent child can not be significant: it never ends for good'
  return autoShutdown === 'never'
    ? 'a significant child needs a supervisor whose auto_shutdown is any_significant or all_significant'
    : undefined
}
