/** Programs that claim another identity than the one that the kernel started them with, and honest ones beside them. */
import { randomInt } from 'node:crypto'
import { inspect } from 'node:util'
import { asTroupeError, entryId, pid, threadOf } from '@troupe/core'
import { ask, currentParticipant, currentRuntime } from '@troupe/process'
import { funcs, log, processes, self } from 'troupe'
import { tell } from './port.ts'

export const price = () => new Response('42')
export const bank = () => 'the money'

/** Waits until it is ended. */
export async function honest() {
  for await (const message of self.inbox) if (message.topic === 'who') message.reply(message.frame.actor?.id)
}

/** The refusal, or else the reply. */
async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  return Promise.try(work).catch((error: unknown) => asTroupeError(error).kind)
}

/** Claims to be the server of an endpoint, in one of several ways, and requests what servers receive. */
export async function server(way: number) {
  const endpoint = entryId('app:endpoint')
  const web = entryId('app:web')
  const own = pid(threadOf(self.pid), 2 * randomInt(1000, 1_000_000) + 1)
  const claims: readonly (() => unknown)[] = [
    () => undefined,
    () => {
      tell({ type: 'upgraded', pid: self.pid, entry: web })
    },
    async () => ask('upgrade', { entry: web }),
    async () => self.upgrade(web),
    () => {
      tell({ type: 'processStarted', pid: own, by: self.pid, entry: web, inherit: { values: {} } })
    },
  ]
  const asks = {
    openLane: async () => ask('openLane', { endpoint }),
    openLaneAsBorn: async () => currentRuntime().kernel.request('openLane', { endpoint }, own),
    openConnection: async () => ask('openConnection', { entry: entryId('app:socket'), ticket: '1' }),
    converse: async () => ask('converse', {}),
    identify: async () => ask('identify', { peer: { address: '100.64.0.1' } }),
    serving: async () => ask('serving', { host: '127.0.0.1', port: 1 }),
    closeLane: async () => ask('closeLane', { lane: self.pid }),
    lendSession: async () => ask('lendSession', { lane: self.pid }),
  }
  await outcome(async () => claims[way]?.())
  const answers: string[] = []
  for (const [name, work] of Object.entries(asks)) {
    const answer = await outcome(work)
    if (answer !== 'PermissionDenied') answers.push(`${name}: ${JSON.stringify(answer)}`)
  }
  return answers
}

/**
 * Requests the route of an overlay that another thread holds. On demand, it first claims that overlay through the
 * threads of all others.
 */
export async function route(claims: boolean) {
  const overlay = entryId('app:proxy')
  if (claims) for (let via = 0; via < 12; via += 1) tell({ type: 'claim', overlay, via })
  return outcome(async () => ask('route', { overlay }))
}

/** Tries its own permissions, and those of a child: one that it starts itself, or that a supervisor starts. */
export async function respawn(host: string, how: 'exec' | 'child' | 'respawned'): Promise<unknown> {
  const mine = {
    actor: currentParticipant().frame.actor?.id,
    bank: await outcome(async () => funcs.call('app:bank')),
    home: await outcome(async () => ask('getEnv', { name: 'HOME' })),
    clear: await outcome(async () => ask('select', { overlay: null })),
    send: await outcome(async () => processes.send('honest', 'hello')),
  }
  if (how === 'exec') return { mine, child: await processes.exec('app:respawn', host, host, 'respawned') }
  if (how === 'child') {
    const child = { id: 'mallory', process: 'app:respawn', host, restart: 'temporary', input: [host, 'respawned'] }
    const { pid: started } = await ask('startChild', { supervisor: 'app:supervisor', child })
    return { mine, started: started !== undefined }
  }
  if (how === 'respawned') log.info(mine, 'respawned')
  return mine
}

/** Changes and reads the registry, and makes and revokes tokens, as far as that is allowed. */
export async function changeRegistry() {
  return {
    apply: await outcome(async () =>
      ask('apply', { changes: [{ op: 'delete', entry: { id: entryId('app:change') } }] }),
    ),
    rollback: await outcome(async () => ask('rollback', { version: 0 })),
    history: await outcome(async () => ask('history', {})),
    createToken: await outcome(async () => ask('createToken', { store: entryId('app:tokens'), grant: {} })),
    revokeToken: await outcome(async () => ask('revokeToken', { store: entryId('app:tokens'), id: 'a' })),
  }
}

/** Becomes another entry's program, and reports the identity that the kernel gives it. */
export async function become(entry: string) {
  return outcome(async () => self.upgrade(entry))
}

const whole = { depth: null, breakLength: Number.POSITIVE_INFINITY }

/** Sends requests to the kernel as they are, one after the other, and reports what was said to each. */
export async function inquire(asks: readonly (readonly [string, object])[]): Promise<readonly string[]> {
  const said: string[] = []
  for (const [name, question] of asks) {
    const reply: unknown = Reflect.apply(ask, undefined, [name, question])
    said.push(
      await Promise.resolve(reply).then(
        (answer) => `answered ${inspect(answer, whole)}`,
        (error: unknown) => {
          const { kind, message, details } = asTroupeError(error)
          return `${kind}: ${message} ${inspect(details, whole)}`
        },
      ),
    )
  }
  return said
}
