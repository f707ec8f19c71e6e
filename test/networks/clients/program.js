/** Runs clients as the tests request, as a function and as a process. */
import { self } from 'troupe'

/**
 * @param clients - Created once, while the module loads. Each sends one item, and settles when the server has confirmed
 *   it.
 */
export function program(clients) {
  /**
   * Makes each client send its items at once: tokens by client. A client that has not finished after that many
   * milliseconds is late.
   */
  async function say({ items, patience }) {
    const each = Object.entries(items).map(async ([name, tokens]) => [name, await outcome(name, tokens, patience)])
    return Object.fromEntries(await Promise.all(each))
  }

  async function outcome(name, tokens, patience) {
    const { promise: late, resolve } = Promise.withResolvers()
    const timer = setTimeout(resolve, patience, 'late')
    const sent = Promise.all(tokens.map(async (token) => clients[name](token)))
    const ended = await Promise.race([sent.then(() => 'done', describe), late])
    clearTimeout(timer)
    return ended
  }

  /** Makes them send for others. */
  async function receive() {
    for await (const message of self.inbox) message.reply(await say(message.payload))
  }

  return { say, receive }
}

function describe(error) {
  return `${error?.code ?? error?.cause?.code ?? error?.name}: ${error?.message}`.slice(0, 300)
}
