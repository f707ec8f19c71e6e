/** The process that keeps the notes. */
import { self } from 'troupe'

export interface Note {
  readonly id: number
  readonly text: string
}

export async function board(): Promise<void> {
  const notes: Note[] = []
  for await (const message of self.inbox) {
    if (message.topic === 'pin') notes.push({ id: notes.length + 1, text: String(message.payload) })
    message.reply(message.topic === 'pin' ? notes.at(-1) : notes)
  }
}
