import { type Pid, processes, self } from 'troupe'

/** Lines that a newcomer is shown. */
const kept = 20

/** A room: what one says all hear, and newcomers hear what was said last. */
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
      // Whoever reads too slowly misses it: nobody waits for them.
      for (const guest of guests) processes.trySend(guest, 'ws.send', payload)
    }
  }
}
