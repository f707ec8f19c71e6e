/**
 * The rules of a supervisor of processes, as in Erlang/OTP (https://www.erlang.org/doc/apps/stdlib/supervisor.html).
 * This module starts and stops nothing.
 */

/** Which children restart when one has to: that one, all, or that one and those that were started after it. */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one'

/** When a child restarts: whenever it ends, only when it failed, or never. */
export type RestartType = 'permanent' | 'transient' | 'temporary'

/** When the supervisor stops by itself: never, or when the first or the last of its significant children ends. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant'

export interface Rules {
  readonly strategy: Strategy
  /** Number of restarts allowed within `maxSeconds`; one more makes the supervisor itself fail. */
  readonly maxRestarts: number
  readonly maxSeconds: number
  readonly autoShutdown: AutoShutdown
}

/** A child, as the rules see it. */
export interface Member {
  readonly id: string
  readonly restart: RestartType
  readonly significant: boolean
  /** Whether it runs. */
  readonly up: boolean
}

/** The children to stop and the children to start, each in that order. */
export interface RestartPlan {
  readonly stop: readonly string[]
  readonly start: readonly string[]
}

/** What follows from the end of a child that ended by itself. `members` are in start order. */
export function exitDecision(
  rules: Rules,
  members: readonly Member[],
  ended: Member,
  failed: boolean,
): 'restart' | 'shutdown' | 'leave' {
  if (ended.restart === 'permanent' || (ended.restart === 'transient' && failed)) return 'restart'
  if (!ended.significant || rules.autoShutdown === 'never') return 'leave'
  const others = members.some(({ id, significant, up }) => id !== ended.id && significant && up)
  return rules.autoShutdown === 'all_significant' && others ? 'leave' : 'shutdown'
}

/**
 * Which children are stopped and started when `id` is restarted. Temporary children that are stopped for it are not
 * started again.
 */
export function restartPlan(strategy: Strategy, members: readonly Member[], id: string): RestartPlan {
  const at = members.findIndex((member) => member.id === id)
  const first = strategy === 'one_for_all' ? 0 : at
  const concerned = strategy === 'one_for_one' ? members.slice(at, at + 1) : members.slice(first)
  return {
    stop: stopOrder(concerned.filter((member) => member.id !== id)),
    start: concerned.filter((member) => member.id === id || !isForgotten(member)).map((member) => member.id),
  }
}

/** The running children, last started first. */
export function stopOrder(members: readonly Member[]): readonly string[] {
  return members
    .filter(({ up }) => up)
    .map(({ id }) => id)
    .toReversed()
}

/** Whether a child is removed once it has ended or was stopped. */
export function isForgotten({ restart }: Pick<Member, 'restart'>): boolean {
  return restart === 'temporary'
}

/**
 * Counts a restart at `now` (milliseconds). The supervisor gives up once there are more restarts than allowed within
 * its time.
 */
export function countRestart(
  rules: Rules,
  before: readonly number[],
  now: number,
): { readonly restarts: readonly number[]; readonly givesUp: boolean } {
  const restarts = [...before, now].filter((then) => now - then <= rules.maxSeconds * 1000)
  return { restarts, givesUp: restarts.length > rules.maxRestarts }
}

/** Why a child is not allowed in a supervisor with these rules; `undefined` if it is allowed. */
export function childSpecError(
  { autoShutdown }: Pick<Rules, 'autoShutdown'>,
  child: Pick<Member, 'restart' | 'significant'>,
): string | undefined {
  if (!child.significant) return undefined
  if (child.restart === 'permanent') return 'a permanent child cannot be significant: it is always restarted'
  return autoShutdown === 'never'
    ? 'a significant child needs a supervisor whose auto_shutdown is any_significant or all_significant'
    : undefined
}
