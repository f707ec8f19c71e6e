/** Programs that tests of live changes run. */
import { http, processes, self } from '../../index.ts'

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
