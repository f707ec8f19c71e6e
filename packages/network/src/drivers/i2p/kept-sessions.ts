/**
 * Sessions whose key is kept. An overlay that takes the place of another one with the same key goes on with its session, as long as nothing
 * about the session is different: its listeners do not notice.
 */
import { KeyFile } from './key-file.ts'
import { Session, type SessionOptions } from './session.ts'

type Plan = Omit<SessionOptions, 'keyFile' | 'delays'>

interface Kept {
  readonly plan: Plan
  readonly session: Promise<Session>
  users: number
}

/** A session, for as long as it is not disposed of. */
export interface Lease extends AsyncDisposable {
  readonly session: Session
}

/** By the path of the key. */
const kept = new Map<string, Kept>()

/**
 * The session with the key in `path`, which is made when there is none.
 *
 * @throws TroupeError `AlreadyExists` when the key is somebody else's, or of a session that is not as `plan` says.
 */
export async function leaseSession(path: string, plan: Plan): Promise<Lease> {
  const running = kept.get(path)
  const entry: Kept = running !== undefined && isSame(running.plan, plan) ? running : { plan, session: open(path, plan), users: 0 }
  if (entry !== running && running === undefined) kept.set(path, entry)
  entry.users += 1
  const give = async () => {
    entry.users -= 1
    if (entry.users > 0) return
    if (kept.get(path) === entry) kept.delete(path)
    await (await entry.session.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
  try {
    return { session: await entry.session, [Symbol.asyncDispose]: once(give) }
  } catch (error) {
    await give()
    throw error
  }
}

/** Whether {@link leaseSession} would go on with a session that there is. */
export function wouldGoOn(path: string, plan: Omit<Plan, 'log'>): boolean {
  const running = kept.get(path)
  return running !== undefined && isSame(running.plan, { ...plan, log: running.plan.log })
}

async function open(path: string, plan: Plan): Promise<Session> {
  return new Session({ ...plan, keyFile: await KeyFile.hold(path) })
}

/** Two applications log to different places; how long a session is waited for makes no other one of it. */
function isSame(one: Plan, other: Plan): boolean {
  const words = ({ timeouts: _timeouts, log: _log, ...rest }: Plan) => JSON.stringify(rest)
  return one.log === other.log && words(one) === words(other)
}

function once(fn: () => Promise<void>): () => Promise<void> {
  let given: Promise<void> | undefined
  return async () => (given ??= fn())
}
