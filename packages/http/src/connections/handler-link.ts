/** The process that a connection speaks to, as the connection's own process sees it. */
import { type Pid, TroupeError } from '@troupe/core'
import { ask, currentParticipant, currentRuntime, self } from '@troupe/process'
import { tokenExpired, tokenRevoked } from './reasons.ts'

/** Why nobody has anything left to say: the process has come to its end, or failed; the service stops; the token counts no more. */
export type Ending = 'returned' | 'failed' | 'stopped' | 'revoked' | 'expired'

/** Finds the process to speak to, whose end will be told. @throws TroupeError */
export async function findHandler(): Promise<Pid> {
  const { links } = currentRuntime()
  const monitor = { pid: self.pid, promise: 0 }
  const spawned = links.spawning(self.pid, { monitor })
  try {
    const { partner, isOwn } = await ask('converse', {})
    spawned(isOwn ? partner : undefined)
    if (!isOwn) links.monitor(partner, monitor)
    return partner
  } catch (error) {
    spawned(undefined)
    throw error
  }
}

export class HandlerLink {
  readonly pid: Pid
  readonly #me = currentParticipant()
  #hasEnded = false
  #ending: Ending | undefined

  constructor(pid: Pid) {
    this.pid = pid
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Known once the inbox has ended. */
  get ending(): Ending {
    return this.#ending ?? 'stopped'
  }

  /** Waits for room. A process that has ended is told nothing. */
  async tell(topic: string, payload: unknown, transfer: readonly ArrayBuffer[] = []): Promise<void> {
    if (this.#hasEnded) return
    // Whoever configured the connection let it speak to this process: policies are not asked again.
    const message = { to: this.pid, topic, payload, frame: this.#me.frame, transfer }
    try {
      await currentRuntime().router.send(this.#me, message)
    } catch (error) {
      if (!(error instanceof TroupeError && error.kind === 'NotFound')) throw error
    }
  }

  /** Notes why there is nothing left to say. What was said before is taken first: the inbox ends once it is empty. */
  async watch(onEnd: () => void): Promise<void> {
    for await (const event of self.events) {
      if (event.type === 'CANCEL') this.#ending ??= endingOf(event.reason)
      if (event.type !== 'EXIT' || event.from !== this.pid) continue
      this.#hasEnded = true
      this.#ending = 'error' in event.result ? 'failed' : 'returned'
      this.dismissMe('its process has ended')
      onEnd()
    }
  }

  /** Nothing more is taken than what is in the inbox. */
  dismissMe(reason: string): void {
    currentRuntime().cancel(this.#me.pid, reason)
  }

  /** Calls back when somebody ends the connection by force. */
  onKilled(then: () => void): void {
    if (this.#me.ended) then()
    self.signal.addEventListener('abort', () => {
      if (this.#me.ended) then()
    })
  }
}

function endingOf(reason: string | undefined): Ending {
  if (reason === tokenExpired) return 'expired'
  return reason === tokenRevoked ? 'revoked' : 'stopped'
}
