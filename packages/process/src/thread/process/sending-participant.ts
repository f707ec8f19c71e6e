/** A participant whose sent messages are still on their way when it ends. */
import { Participant } from '../participant.ts'
import { type PendingSend, PendingSends } from './pending-sends.ts'

export abstract class SendingParticipant extends Participant {
  #pendingSends: PendingSends | undefined

  /** Called when a message was not sent. */
  protected abstract onUnsent(held: PendingSend, error: unknown): void

  /** Its sent messages that are not posted yet. */
  get pendingSends(): PendingSends | undefined {
    return this.#pendingSends
  }

  override hold<T>(sent: Promise<T>, held?: PendingSend): Promise<T> {
    this.#pendingSends ??= new PendingSends()
    this.#pendingSends.hold(sent, held)
    return sent.catch((error: unknown) => {
      if (held !== undefined) this.onUnsent(held, error)
      throw error
    })
  }

  override note(held: PendingSend): void {
    this.#pendingSends ??= new PendingSends()
    this.#pendingSends.note(held)
  }

  override release(held: PendingSend, error: unknown): void {
    this.#pendingSends?.release(held)
    if (error !== undefined) this.onUnsent(held, error)
  }
}
