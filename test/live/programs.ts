/** Programs that tests of live changes run. */
import { setImmediate as turn } from 'node:timers/promises'
import { http, processes, self } from 'troupe'

/** Milliseconds for which a thread is kept busy. */
const busyTime = 500

/** Answers each `get` with what became of the request. With `busy`, its thread comes to nothing else for a while before that. */
export async function client(): Promise<void> {
  for await (const message of self.inbox) {
    const { topic, payload } = message
    if (topic === 'busy') {
      const url = String(payload)
      await http.get(url).then((response) => response.text())
      message.reply('begins')
      // What is sent leaves at the end of a turn.
      await turn()
      const until = Date.now() + busyTime
      while (Date.now() < until);
      // In the same turn: nothing that was posted meanwhile has been read.
      void outcome(url).then((what) => processes.send('ear', 'after', what))
    } else message.reply(await outcome(String(payload)))
  }
}

async function outcome(url: string): Promise<string> {
  try {
    return await (await http.get(url, { timeout: '5s' })).text()
  } catch (error) {
    return error instanceof Error ? `${'kind' in error ? String(error.kind) : error.name}: ${error.message}` : String(error)
  }
}

/** Waits to be cancelled. */
export async function waiter(name: string): Promise<void> {
  for await (const message of self.inbox) message.reply(name)
}

/** Starts clients in the overlay, which it chooses for them. */
export async function chooser(): Promise<void> {
  for await (const message of self.inbox) {
    message.reply(await processes.withOptions({ network: 'app:proxy' }).spawn('app:client', 'app:host'))
  }
}

/** A function of a version that a test writes over. */
export async function slow(): Promise<string> {
  await processes.call('ear', 'running', null)
  return 'done'
}

/** Requests one after the other until it is cancelled; returns how many there were, and what went wrong. */
export async function load(url: string): Promise<{ readonly requests: number; readonly failures: readonly string[] }> {
  const failures: string[] = []
  let requests = 0
  while (!self.signal.aborted) {
    const answer = await outcome(url)
    requests += 1
    if (answer !== 'ok') failures.push(answer)
  }
  return { requests, failures }
}

/** Reads a stream to its end. */
export async function reader(url: string): Promise<string> {
  const response = await http.get(url)
  await processes.send('ear', 'reading', null)
  return response.text()
}

export function echo(value: unknown): unknown {
  return value
}
