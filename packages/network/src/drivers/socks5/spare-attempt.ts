/**
 * A handshake on a spare connection. The path to the proxy may be gone without a sign, so while the proxy is silent the
 * same is tried on a fresh connection.
 */
import type { EarlyData } from '../../overlay/overlay.ts'
import { Handshake, type HandshakePlan, type Outcome } from './handshake.ts'
import type { Spare } from './spare-pool.ts'

/** Milliseconds of silence. In one write the greeting is replied to at once; a request takes as long as its target. */
const silence = { oneWrite: 1000, request: 3000 } as const

type Attempt = (plan: HandshakePlan) => Promise<Outcome>

/** Returns the outcome on the spare or on a fresh connection; `undefined` if the spare was lost. */
export async function attemptOnSpare(
  spare: Spare,
  plan: HandshakePlan,
  attempt: Attempt,
): Promise<Outcome | undefined> {
  const early = plan.early && new SameAgain(plan.early)
  let fresh: FreshAttempt | undefined
  const handshake: Handshake = new Handshake(spare.socket, {
    ...plan,
    greeted: spare.greeted,
    early,
    silence: {
      after: plan.optimistic ? silence.oneWrite : silence.request,
      run: () => (fresh = startFresh({ ...plan, early }, attempt, handshake)),
    },
  })
  const outcome = await handshake.run()
  if (fresh === undefined) return isLost(outcome, handshake) ? undefined : outcome
  if (fresh.isOver || isLost(outcome, handshake)) return fresh.outcome
  fresh.stop()
  return outcome
}

interface FreshAttempt {
  readonly outcome: Promise<Outcome>
  isOver: boolean
  readonly stop: () => void
}

/** The one that ends first ends the other. */
function startFresh(plan: HandshakePlan, attempt: Attempt, handshake: Handshake): FreshAttempt {
  const over = new AbortController()
  const signal = plan.signal ? AbortSignal.any([plan.signal, over.signal]) : over.signal
  const outcome = attempt({ ...plan, signal })
  const stop = () => {
    over.abort()
    void outcome.then(discard)
  }
  const fresh: FreshAttempt = { outcome, isOver: false, stop }
  void outcome.then(() => {
    fresh.isOver = true
    handshake.abandon()
  })
  return fresh
}

/** Whether the proxy had ended the connection, or never replied on it: a fresh one may succeed. */
function isLost(outcome: Outcome, { heard }: Handshake): boolean {
  if (!('error' in outcome) || outcome.blame === 'end') return false
  return !heard || 'code' in outcome.error.details
}

function discard(outcome: Outcome): void {
  if ('socket' in outcome) outcome.socket.on('error', () => undefined).destroy()
}

/** Bytes that may be sent again: on a fresh connection the same as on the spare. */
class SameAgain implements EarlyData {
  readonly isOnce = false
  readonly isSpent = false
  readonly #early: EarlyData
  #taken: { readonly bytes: Buffer | undefined } | undefined

  constructor(early: EarlyData) {
    this.#early = early
  }

  take(): Buffer | undefined {
    this.#taken ??= { bytes: this.#early.take() }
    return this.#taken.bytes
  }
}
