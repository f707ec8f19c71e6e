import { type Pid, processes, self } from 'troupe'

/** Number of lines that a newcomer is shown. */
const kept = 20

/** A room: every member receives each message, and newcomers receive the last ones. */
export async function room(): Promise<void> {
  const guests = new Set<Pid>()
  const lines: string[] = []
  for await (const { topic, from, payload } of self.inbox) {
    if (topic === 'ws.open') {
      guests.add(from)
      for (const line of lines) processes.trySend(from, 'ws.send', line)
    } else if (topic === 'ws.close') guests.delete(from)
    else if (topic === 'ws.message' && typeof payload === 'string') {
      lines.push(payload)
      if (lines.length > kept) lines.shift()
      // A member that reads too slowly misses the message: the room does not wait.
      for (const guest of guests) processes.trySend(guest, 'ws.send', payload)
    }
  }
}
