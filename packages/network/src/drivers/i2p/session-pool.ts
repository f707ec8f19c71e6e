/**
 * The sessions of this program. An overlay that replaces another one continues its sessions, as long as their settings
 * are the same. Some routers take half a minute to create one, and a listener notices nothing.
 */
import { KeyFile } from './key-file.ts'
import { Session, type SessionOptions } from './session.ts'

type Plan = Omit<SessionOptions, 'keyFile' | 'delays' | 'watch' | 'forget'>

interface Running {
  readonly plan: Plan
  readonly session: Promise<Session>
  users: number
}

/** A session, until the lease is disposed of. */
export interface Lease extends AsyncDisposable {
  readonly session: Session
}

/** By the path of the stored key, else by overlay and role. */
const running = new Map<string, Running>()

/**
 * Returns the session with the key in `path`, or one with its own key; creates it when there is none.
 *
 * @throws TroupeError `AlreadyExists` when the key is held elsewhere, or by a session with settings other than `plan`.
 */
export async function leaseSession(path: string | undefined, plan: Plan): Promise<Lease> {
  const name = path ?? `${plan.overlay} ${plan.role}`
  const former = running.get(name)
  const goesOn = former !== undefined && isSame(former.plan, plan)
  const entry: Running = goesOn ? former : { plan, session: open(path, plan), users: 0 }
  // A session that holds a key excludes any other from it.
  if (former === undefined || path === undefined) running.set(name, entry)
  entry.users += 1
  const give = async () => {
    entry.users -= 1
    if (entry.users > 0) return
    if (running.get(name) === entry) running.delete(name)
    await (await entry.session.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
  try {
    return { session: await entry.session, [Symbol.asyncDispose]: once(give) }
  } catch (error) {
    await give()
    throw error
  }
}

/** Whether {@link leaseSession} would continue the session that holds the key in `path`. */
export function wouldGoOn(path: string, plan: Omit<Plan, 'log'>): boolean {
  const former = running.get(path)
  return former !== undefined && isSame(former.plan, { ...plan, log: former.plan.log })
}

async function open(path: string | undefined, plan: Plan): Promise<Session> {
  return new Session({ ...plan, keyFile: path === undefined ? undefined : await KeyFile.hold(path) })
}

/**
 * Logs are not compared, because two applications log to different places. Neither is the time to wait for a session,
 * which does not change it.
 */
function isSame(one: Plan, other: Plan): boolean {
  const words = ({ timeouts: _timeouts, log: _log, ...rest }: Plan) => JSON.stringify(rest)
  return one.log === other.log && words(one) === words(other)
}

function once(fn: () => Promise<void>): () => Promise<void> {
  let given: Promise<void> | undefined
  return async () => (given ??= fn())
}
