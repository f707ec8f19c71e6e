/**
 * Loops that send requests without a pause, and checks that other work progresses beside them. They run in the main
 * thread, or as processes and functions.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { env, funcs, processes, registry, security, self } from 'troupe'
import type { Pid } from 'troupe'

const host = 'app:crowd'
/** Milliseconds after which a loop ends itself, because an event loop that is starved could not end it. */
const patience = 20_000
const missing = '<0.4294967295>'

/** A pid that no process has any longer. */
async function dead(): Promise<Pid> {
  const pid = await processes.spawn('app:nothing', host)
  await processes.exited(pid)
  return pid
}

type Step = () => Promise<unknown>

const ignore = () => undefined

/** One step of each loop. */
const loops: Readonly<Record<string, () => Step | Promise<Step>>> = {
  lookup: () => async () => processes.names.lookup('none'),
  entry: () => async () => registry.get('app:crowd'),
  variable: () => async () => env.get('NONE'),
  permission: () => async () => security.can('read', 'page'),
  pooled: () => async () => funcs.call('app:pooled'),
  inline: () => async () => funcs.call('app:inline'),
  spawn: () => async () => processes.exec('app:nothing', host),
  many: () => async () => Promise.all(Array.from({ length: 100 }, async () => processes.names.lookup('none'))),
  sendToMissing: () => async () => processes.send(missing, 'none').catch(ignore),
  callMissing: () => async () => processes.call(missing, 'none').catch(ignore),
  toDead: async () => {
    const pid = await dead()
    return async () => processes.send(pid, 'none').catch(ignore)
  },
  watchDead: async () => {
    const pid = await dead()
    return async () => processes.exited(pid)
  },
}

/** Loops of processes. */
const ofProcesses: Readonly<Record<string, () => Step | Promise<Step>>> = {
  mail: () => async () => {
    processes.trySend(self.pid, 'mail')
    await self.receive({ topic: 'mail' })
  },
  sentMail: () => async () => Promise.all([processes.send(self.pid, 'mail'), self.receive({ topic: 'mail' })]),
  late: () => async () => self.receive({ topic: 'none', timeout: 0 }).catch(ignore),
}

export const names = Object.keys(loops)
export const processNames = [...names, ...Object.keys(ofProcesses)]

interface Watch {
  over: boolean
}

/** Runs a loop until `watch` reports the end. */
export async function busy(name: string, watch: Watch): Promise<void> {
  const make = loops[name] ?? ofProcesses[name]
  if (make === undefined) throw new Error(`there is no loop ${name}`)
  const step = await make()
  const start = performance.now()
  while (!watch.over) {
    if (performance.now() - start > patience) throw new Error(`the event loop did not end the loop of ${name}`)
    await step()
  }
}

/** Settles once timers have fired, a connection has transferred data, and a thread has replied, a few times each. */
export async function progress(port: number, times: number): Promise<void> {
  const timers = async () => {
    for (let i = 0; i < times; i += 1) await sleep(1)
  }
  const sockets = async () => {
    const socket = connect(port, '127.0.0.1')
    for (let i = 0; i < times; i += 1) {
      socket.write('x')
      await once(socket, 'data')
    }
    socket.destroy()
  }
  const messages = async () => {
    const echo = await processes.spawn('app:echo', 'app:others')
    for (let i = 0; i < times; i += 1) await processes.call(echo, 'ping')
    await processes.cancel(echo)
  }
  await Promise.all([timers(), sockets(), messages()])
}

/** Runs loops, each in its own process or function, until all other work has progressed beside them. */
async function beside(names: readonly string[], port: number, times: number): Promise<boolean> {
  const watch = { over: false }
  const done = Promise.all(names.map(async (name) => busy(name, watch)))
  const ended = progress(port, times).finally(() => {
    watch.over = true
  })
  await Promise.all([done, ended])
  return true
}

/** Programs of the application in the test. */
export const main = beside

export async function ask(name: string): Promise<void> {
  const watch = { over: false }
  self.signal.addEventListener('abort', () => {
    watch.over = true
  })
  await busy(name, watch)
}

export async function echo(): Promise<void> {
  for await (const message of self.inbox) message.reply()
}

export function nothing(): void {}
