/**
 * An application under attack by `hostile/fuzz.ts`: what the attackers were given, and whether anything shows that they
 * got more.
 */
import { join } from 'node:path'
import { type Exit, processes, security } from '../index.ts'
import { startApp, type TestApp, type WrittenEntry } from '../test/index.ts'
import type { Manner, FuzzReport } from './hostile/fuzz.ts'

export type Place = 'guarded' | 'sealed' | 'shared' | 'process'

const places: Readonly<Record<Place, object>> = {
  guarded: { spares: 0 },
  sealed: { network: 'sealed', spares: 0 },
  shared: { isolation: 'shared', workers: 1 },
  process: { isolation: 'process', spares: 0 },
}
const secret = 'TROUPE_FUZZ_SECRET'
const lifecycle = { auto_start: true }
const attackers = { actor: 'mallory', overlay: 'app:proxy' }

const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://fuzz.ts',
  method,
})
const hostOf = (place: Place) => `app:${place}`

function entriesFor(chosen: readonly Place[]): readonly WrittenEntry[] {
  return [
    ...chosen.map((place) => ({ id: hostOf(place), kind: 'process.host', host: places[place], lifecycle })),
    { id: 'app:victims', kind: 'process.host', host: { spares: 0 }, lifecycle },
    { id: 'app:nothing', kind: 'security.policy', effect: 'deny', actions: '*', resources: '*' },
    { id: 'app:everything', kind: 'security.policy', effect: 'allow', actions: '*', resources: '*' },
    {
      id: 'app:proxy',
      kind: 'network.socks5',
      host: '127.0.0.1',
      port: 9,
      username: 'u',
      password: 'canary-of-passwords',
    },
    { id: 'app:os', kind: 'env.storage.os' },
    { id: 'app:secret', kind: 'env.variable', storage: 'app:os', variable: secret },
    { id: 'app:tokens', kind: 'security.token_store', key: 'canary-of-keys, of more than thirty-two characters' },
    { id: 'app:queue', kind: 'queue.queue' },
    { id: 'app:bank', kind: 'function.ts', source: 'file://fuzz.ts', method: 'bank', pool: { min: 0, max: 1 } },
    {
      id: 'app:supervisor',
      kind: 'process.supervisor',
      host: 'app:victims',
      children: [{ id: 'child', process: 'app:honest' }],
      lifecycle,
    },
    ...['fuzz', 'honest', 'linked'].map(program),
  ]
}

/** Requests that any code may make: the replies contain nothing that the code was not given, and nothing changes. */
const free: ReadonlySet<string> = new Set([
  // Its own permissions.
  ...['can', 'version', 'log'],
  // About the program's own things only.
  ...['cancelCall', 'cancelDial', 'unbind', 'leaseAddresses', 'isAddressLeased'],
])
/** Requests whose replies omit what is hidden: to code that is denied everything, they are empty. */
const empty: ReadonlyMap<string, RegExp> = new Map([
  ['entries', /^\[\]$/],
  ['lookup', /^undefined$/],
  ['groupMembers', /^\[\]$/],
  ['history', /^(?!.*\bid:)/s],
  ['cancelLater', /^false$/],
  ['jobProgress', /^false$/],
])
/** Requests that a thread makes for all code in it, with any of its own pids. */
const ofThreads: ReadonlySet<string> = new Set(['leaseAddresses', 'isAddressLeased', 'route'])

/** Requests that got a reply although no given permission allows it. */
function excessOf({ answered }: FuzzReport, place: Place, version: number): readonly string[] {
  const isAllowed = ({ name, own, ask, answer }: FuzzReport['answered'][number]) => {
    if (!own && !ofThreads.has(name)) return false
    const nothing = empty.get(name)
    if (nothing !== undefined) return nothing.test(answer)
    // About the policies that are in force for it.
    if (name === 'policy') return ask === "{ id: 'app:nothing' }"
    if (name === 'evaluate') return ask.includes("scope: [ 'app:nothing' ]")
    // To where it is.
    if (name === 'rollback') return ask === `{ version: ${version} }`
    if (name === 'program' || name === 'upgrade') return ask.includes("'app:fuzz'")
    // Its own overlay; when it is sealed, without anything usable.
    if (name === 'route')
      return (
        ask.includes(attackers.overlay) && (place === 'guarded' || place === 'shared' || !answer.includes('127.0.0.1'))
      )
    return free.has(name)
  }
  return answered
    .filter((one) => !isAllowed(one))
    .map(({ name, own, ask, answer }) => `${name}${own ? '' : ' (for another)'} ${ask}: ${answer}`)
}

export interface Attacked {
  readonly asked: number
  readonly answered: number
  /** Its thread was ended because of its messages. */
  readonly ended: boolean
}

export class ScenesOfAttack implements AsyncDisposable {
  readonly #app: TestApp
  readonly #places: readonly Place[]
  #victim = ''
  #version = 0
  #echoes = 0
  #isOver = false
  #working: Promise<void> = Promise.resolve()
  #end: Exit | undefined
  #held: Promise<unknown> = Promise.resolve()
  /** The outcome of the pending call. */
  #reply: string | undefined

  private constructor(app: TestApp, chosen: readonly Place[]) {
    this.#app = app
    this.#places = chosen
  }

  static async start(...chosen: readonly Place[]): Promise<ScenesOfAttack> {
    process.env[secret] = 'canary-of-variables'
    const app = await startApp({ root: join(import.meta.dirname, 'hostile'), entries: entriesFor(chosen) })
    const scene = new ScenesOfAttack(app, chosen)
    await scene.#app.app.run(async () => scene.#begin())
    return scene
  }

  /** Calls of honest processes that got a reply so far. */
  get echoes(): number {
    return this.#echoes
  }

  async #begin(): Promise<void> {
    const alice = security.newActor('canary-of-actors', { key: 'canary-of-metas' })
    const given = processes.withContext({ tenant: 'canary-of-values' }).withActor(alice)
    this.#victim = await given
      .withScope(security.newScope(['app:everything']))
      .withName('honest')
      .spawn('app:linked', 'app:victims', 'app:victims')
    this.#version = this.#app.app.kernel.registry.version()
    await this.#settled()
    void processes.exited(this.#victim).then((end) => {
      this.#end = end
    })
    this.#held = processes.call(this.#victim, 'wait', undefined, { timeout: Number.POSITIVE_INFINITY })
    const over = (reply: unknown) => {
      this.#reply = String(reply)
    }
    void this.#held.then(over, over)
    this.#working = this.#work()
  }

  /** Waits for both honest processes to be members of their group. */
  async #settled(): Promise<void> {
    while ((await processes.groups.members('team')).length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async #work(): Promise<void> {
    for (let n = 0; !this.#isOver; n += 1) {
      const reply = await processes.call(this.#victim, 'echo', n)
      if (reply !== n) throw new Error(`an honest process replied ${String(reply)}, not ${n}`)
      this.#echoes += 1
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /** One attack. @throws an error for anything that the attacker obtained without permission. */
  async attack(place: Place, seed: number, steps: number, manner: Manner): Promise<Attacked> {
    return this.#app.app.run(async () => {
      const members = await processes.groups.members('team')
      const around = {
        pids: members,
        entries: entriesFor(this.#places).map(({ id }) => id),
        hosts: [...this.#places.map(hostOf), 'app:victims'],
        names: ['honest', 'team', 'app:supervisor/child'],
      }
      const spawner = processes
        .withOptions({ network: attackers.overlay })
        .withActor(security.newActor(attackers.actor))
        .withScope(security.newScope(['app:nothing']))
      const pid = await spawner.spawn('app:fuzz', hostOf(place), seed, steps, manner, around)
      const end = await processes.exited(pid)
      await this.#check(`seed ${seed}, in ${place}, ${manner}`)
      if ('error' in end) {
        if (manner === 'breaking' && /was ended|broke the protocol/.test(end.error.message))
          return { asked: 0, answered: 0, ended: true }
        throw end.error
      }
      const report = reportBy(end.value)
      // The route to its own overlay, with the password.
      const isOpen = place === 'guarded' || place === 'shared'
      const excess = [
        ...excessOf(report, place, this.#version),
        ...report.marks.filter((mark) => !(isOpen && mark.endsWith('passwords'))).map((mark) => `it received ${mark}`),
      ]
      if (excess.length > 0) throw new Error(`seed ${seed}, in ${place}: ${excess.join('\n')}`)
      return { asked: report.asked, answered: report.answered.length, ended: false }
    })
  }

  /** What honest code observes: no effects, and work continues. */
  async #check(about: string): Promise<void> {
    const { app, log } = this.#app
    const before = this.#echoes
    const echo = await processes.call(this.#victim, 'echo', before)
    while (this.#echoes === before) await new Promise((resolve) => setTimeout(resolve, 2))
    const members = await processes.groups.members('team')
    const strange: unknown[] = []
    for (const member of members) strange.push(await processes.call(member, 'strange'))
    const seen = {
      echo: echo === before,
      strange: strange.flat(),
      members: members.length,
      victim: await processes.names.lookup('honest'),
      end: this.#end,
      reply: this.#reply,
      version: app.kernel.registry.version(),
      secret: process.env[secret],
      robbed: log.filter((line) => line.includes('the money')),
    }
    const wanted = {
      echo: true,
      strange: [],
      members: 2,
      victim: this.#victim,
      end: undefined,
      reply: undefined,
      version: this.#version,
      secret: 'canary-of-variables',
      robbed: [],
    }
    if (JSON.stringify(seen) !== JSON.stringify(wanted))
      throw new Error(`${about}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#app.app.run(async () => {
      await this.#working
      await processes.send(this.#victim, 'go', 'gone')
      const reply = await this.#held
      if (reply !== 'gone') throw new Error(`an honest process replied ${String(reply)} to who waited`)
    })
    await this.#app.stop()
    Reflect.deleteProperty(process.env, secret)
  }
}

function reportBy(value: unknown): FuzzReport
function reportBy(value: unknown): unknown {
  return value
}
