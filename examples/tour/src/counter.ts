import { self } from 'troupe'

export async function main() {
  let count = 0
  for await (const message of self.inbox) {
    if (message.topic === 'crash') throw new Error('crashed')
    message.reply(++count)
  }
}
