/** The process that a connection talks to, from the side of the connection's own process. */
import { type Pid, TroupeError } from '@troupe/core'
import { ask, currentParticipant, currentRuntime, self } from '@troupe/process'
import { tokenExpired, tokenRevoked } from './reasons.ts'

/**
 * Why no more messages will follow: the process has returned or failed, the service stops, or the token was revoked or
 * has expired.
 */
export type Ending = 'returned' | 'failed' | 'stopped' | 'revoked' | 'expired'

/** Finds the process to talk to; its end will be reported. @throws TroupeError */
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

  /** Returns the reason of the end; known when the inbox has ended. */
  get ending(): Ending {
    return this.#ending ?? 'stopped'
  }

  /** Sends a message, and waits for room. Does nothing if the process has ended. */
  async tell(topic: string, payload: unknown, transfer: readonly ArrayBuffer[] = []): Promise<void> {
    if (this.#hasEnded) return
    // The configuration of the connection allows messages to this process: policies are not asked again.
    const message = { to: this.pid, topic, payload, frame: this.#me.frame, transfer }
    try {
      await currentRuntime().router.send(this.#me, message)
    } catch (error) {
      if (!(error instanceof TroupeError && error.kind === 'NotFound')) throw error
    }
  }

  /**
   * Records why no more messages will follow. Earlier messages are delivered first: the inbox ends when it is empty.
   */
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

  /** Accepts no more messages than those in the inbox. */
  dismissMe(reason: string): void {
    currentRuntime().cancel(this.#me.pid, reason)
  }

  /** Calls `then` when the connection is ended by force. */
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
