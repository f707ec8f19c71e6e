/** Children for supervisors. */
import { processes, self } from '@troupe/process'

/** Does what messages say: end, or fail. Answers everything else with its pid, arguments and what it was sent. */
export async function main(...args: unknown[]) {
  for await (const message of self.inbox) {
    if (message.topic === 'end') return args
    if (message.topic === 'fail') throw new Error(String(message.payload))
    message.reply({ pid: self.pid, args, got: message.payload })
  }
  return 'stopped'
}

/** Does not stop when it is asked to. */
export async function stubborn() {
  for await (const message of self.inbox) message.reply()
  await new Promise(() => undefined)
}

/** Calls, and hands on the reply. */
export async function ask(to: string, topic: string, payload?: unknown) {
  return processes.call(to, topic, payload)
}

/** Adds a child to a supervisor, in the network that it runs in itself. */
export async function addChild(supervisor: string, child: Parameters<typeof processes.supervisors.startChild>[1]) {
  return processes.supervisors.startChild(supervisor, child)
}

/** Joins groups, and reports its messages to the process that asked for it. */
export async function member(tell: string, ...groups: string[]) {
  for (const group of groups) await processes.groups.join(group)
  for await (const message of self.inbox) {
    if (message.topic === 'end') return
    if (message.topic === 'leave') await processes.groups.leave(String(message.payload))
    else await processes.call(tell, 'heard', [self.pid, message.topic, message.payload])
    message.reply()
  }
}

/** Keeps what members tell it; hands it over on `all`. */
export async function ear() {
  const heard: unknown[] = []
  for await (const message of self.inbox) {
    if (message.topic === 'heard') heard.push(message.payload)
    message.reply(heard)
  }
}
