/** A process that sends to others at random, takes messages, and fails on request. */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { isPid, type Pid, processes, self, threadOf } from 'troupe'
import { Ledger } from './ledger.ts'

export async function main(shared: SharedArrayBuffer): Promise<void> {
  const ledger = new Ledger(shared)
  const peers: Pid[] = []
  void talk(ledger, peers)
  for await (const { topic, payload } of self.inbox) {
    if (topic === 'peers' && Array.isArray(payload)) peers.splice(0, peers.length, ...payload.filter(isPid))
    else if (topic === 'grief') await grieve(String(payload), ledger, peers)
    else ledger.taken(Number(topic))
    if (Math.random() < 0.001) await pause(5)
  }
}

async function talk(ledger: Ledger, peers: readonly Pid[]): Promise<void> {
  while (!self.signal.aborted) {
    const to = peers[Math.floor(Math.random() * peers.length)]
    if (to === undefined) await pause(10)
    else await say(ledger, to)
    if (Math.random() < 0.2) await pause(2)
  }
}

async function say(ledger: Ledger, to: Pid): Promise<void> {
  const letter = ledger.next()
  if (letter === undefined) return pause(100, undefined, { signal: self.signal }).catch(() => undefined)
  try {
    if (Math.random() < 0.5) await processes.send(to, String(letter), { letter, text: 'x'.repeat(50) })
    else if (!processes.trySend(to, String(letter), letter)) return ledger.rejected(letter)
  } catch {
    return ledger.rejected(letter)
  }
  // Only messages that have left this thread count as sent: a killed thread loses what it has not posted yet.
  await nextTurn()
  ledger.sent(letter, threadOf(self.pid))
}

async function grieve(how: string, ledger: Ledger, peers: readonly Pid[]): Promise<void> {
  switch (how) {
    case 'throw':
      throw new Error('a requested error')
    case 'timer':
      setTimeout(() => {
        throw new Error('a requested error in a timer')
      })
      return
    case 'reject':
      void Promise.reject(new Error('a requested rejection'))
      return
    case 'exit':
      exit()
      return
    case 'loop':
      for (let i = 0; i >= 0; i += 0) Array(100).fill(i)
      return
    case 'heap': {
      const hoard: unknown[] = []
      for (let i = 0; i >= 0; i += 0) hoard.push(Array(1e5).fill(1.5))
      return
    }
    default:
      for (let i = 0; i < 2000; i += 1) await say(ledger, peers[0] ?? self.pid)
  }
}

function exit(): void {
  process.exit(1)
}
