/** Well-formed requests to the kernel, of every name, about things that a hostile program was never given. */
import type { FunctionRequests } from '@troupe/functions/kernel'
import type { HttpRequests } from '@troupe/http/kernel'
import type { KernelRequests } from '@troupe/process/protocol'
import type { QueueRequests } from '@troupe/queue/kernel'
import type { RegistryRequests } from '../../live/protocol.ts'
import type { Draw } from './draw.ts'

/** The parts of the application under attack. */
export interface FuzzContext {
  /** The program's own. */
  readonly own: string
  /** Those of honest processes. */
  readonly pids: readonly string[]
  /** Ids of entries: programs, functions, hosts, overlays, policies and others. */
  readonly entries: readonly string[]
  readonly hosts: readonly string[]
  readonly names: readonly string[]
}

const big = 2 ** 53 - 1
const actions = [
  'process.send',
  'process.monitor',
  'process.link',
  'process.terminate',
  'socket.connect',
  'http_client.request',
  'network.bind',
  'network.select',
  'registry.apply',
  'security.grant',
]

/** The requests of all packages. */
export type QuestionName = keyof (KernelRequests & FunctionRequests & QueueRequests & HttpRequests & RegistryRequests)

/** Makes requests and their contents. */
export class Questions {
  readonly #draw: Draw
  readonly #at: FuzzContext

  constructor(draw: Draw, at: FuzzContext) {
    this.#draw = draw
    this.#at = at
  }

  /** The program's own pid. */
  get own(): string {
    return this.#at.own
  }

  /** A pid: its own, an honest one, or one that does not exist. */
  pid(): string {
    const { own, pids } = this.#at
    const missing = `<${this.#draw.below(20)}.${this.#draw.from([0, 1, 2, 3, 4, 2 ** 47 + 1, big])}>`
    return this.#draw.from([own, ...pids, ...pids, '<0.0>', missing])
  }

  /** A thread: usually that of an honest process. */
  thread(): number {
    return this.#draw.from([0, 1, 2, 3, 4, 5, 6, 7, 1e6])
  }

  entry(): string {
    return this.#draw.from([...this.#at.entries, 'app:absent'])
  }

  name(): string {
    return this.#draw.from([...this.#at.names, 'mine', ''])
  }

  choice(): object {
    if (!this.#draw.oneIn(3)) return {}
    return this.#draw.from([
      { network: null },
      { network: 'app:proxy' },
      { actor: { id: 'admin', meta: {} } },
      { scope: [] },
      { actor: { id: 'admin', meta: { role: 'admin' } }, scope: ['app:everything'] },
    ])
  }

  inherit(): object {
    const draw = this.#draw
    return {
      ...draw.from<object>([{}, { overlay: null }, { overlay: 'app:proxy' }]),
      values: draw.oneIn(3) ? { tenant: 'theirs' } : {},
      ...(draw.oneIn(3) && { deadline: draw.from([0, Number.POSITIVE_INFINITY]) }),
    }
  }

  /** A request of that name, with all required fields. */
  of(name: QuestionName): object {
    return this.#makers[name]()
  }

  readonly #ofPid = () => ({ pid: this.pid() })
  readonly #ofEntry = () => ({ entry: this.entry() })
  readonly #ofChild = () => ({
    supervisor: this.#draw.from(['app:supervisor', 'app:absent']),
    child: this.#draw.from(['app:child', 'x']),
  })
  readonly #ofSupervisor = () => ({ supervisor: this.#draw.from(['app:supervisor', 'app:absent']) })
  readonly #member = () => ({ group: this.name(), pid: this.pid() })
  readonly #none = () => ({})
  readonly #asked = () => ({
    action: this.#draw.from(actions),
    resource: this.#draw.from([this.pid(), this.entry(), '*']),
    meta: {},
  })
  readonly #target = () => ({
    host: this.#draw.from(['127.0.0.1', 'localhost', 'leak.test']),
    port: 1 + this.#draw.below(9),
  })
  readonly #change = () => ({
    op: this.#draw.from(['create', 'update', 'delete']),
    entry: {
      id: this.#draw.from([this.entry(), 'app:mine']),
      kind: this.#draw.from(['security.policy', 'process.ts']),
      fields: {},
    },
  })
  readonly #store = () => ({ store: this.#draw.from(['app:tokens', 'app:absent']) })
  readonly #ofJob = () => ({ queue: this.#draw.from(['app:queue', 'app:absent']), id: this.name() })
  readonly #lane = () => ({ lane: this.pid() })
  readonly #number = () => ({ number: this.#draw.below(2000) })

  readonly #makers: Readonly<Record<QuestionName, () => object>> = {
    spawn: () => ({
      entry: this.entry(),
      host: this.#draw.from(this.#at.hosts),
      args: [],
      choice: this.choice(),
      inherit: this.inherit(),
      ...(this.#draw.oneIn(4) && { name: this.name() }),
      ...(this.#draw.oneIn(4) && { link: this.pid() }),
      ...(this.#draw.oneIn(4) && { monitor: { pid: this.pid(), promise: 1 } }),
      ...(this.#draw.oneIn(4) && { messages: [{ topic: 'forged', payload: 1 }] }),
    }),
    call: () => ({ entry: this.entry(), args: [], choice: this.choice(), inherit: this.inherit() }),
    program: this.#ofEntry,
    upgrade: this.#ofEntry,
    cancelCall: () => ({ request: this.#draw.below(100) }),
    terminate: this.#ofPid,
    cancel: () => ({ pid: this.pid(), reason: 'x' }),
    register: () => ({ name: this.name(), pid: this.pid() }),
    unregister: () => ({ name: this.name() }),
    lookup: () => ({ name: this.name() }),
    sendLater: () => ({
      ...{ to: this.#draw.from([this.pid(), this.name()]), topic: 't', payload: 1, durable: false },
      ...{ time: { in: this.#draw.from([0, -1, 60_000, Number.NaN]) }, inherit: this.inherit() },
    }),
    cancelLater: () => ({ id: this.name() }),
    publishJob: () => ({
      ...{ queue: this.#draw.from(['app:queue', this.entry()]), payload: 1, id: 'mine', inherit: this.inherit() },
      ...{ delay: this.#draw.from([0, -1, Number.NaN]), priority: this.#draw.below(12) },
    }),
    jobProgress: () => ({ ...this.#ofJob(), receipt: 'x', value: 1 }),
    getJob: this.#ofJob,
    countJobs: () => ({ queue: 'app:queue' }),
    deadJobs: () => ({ queue: 'app:queue', limit: big }),
    replayJob: this.#ofJob,
    dropJob: this.#ofJob,
    permit: () => ({ action: this.#draw.from(actions), resource: this.#draw.from([this.pid(), '127.0.0.1']) }),
    can: this.#asked,
    evaluate: () => ({ ...this.#asked(), scope: [this.entry()], actor: { id: 'admin', meta: {} } }),
    policy: () => ({ id: this.entry() }),
    namedScope: () => ({ group: this.name() }),
    select: () => ({ overlay: this.#draw.from([null, 'app:proxy', 'app:absent']) }),
    route: () => ({ overlay: this.#draw.from(['app:proxy', 'app:absent']) }),
    dial: () => ({
      connectRequest: { overlay: this.#draw.from([null, 'app:proxy']), target: this.#target() },
      timeout: 50,
    }),
    cancelDial: () => ({ request: this.#draw.below(100) }),
    resolve: () => ({ name: this.#draw.from(['localhost', 'leak.test']), family: 0 }),
    leaseAddresses: () => (this.#draw.oneIn(2) ? {} : { back: this.#draw.below(10) }),
    isAddressLeased: this.#number,
    bind: () => ({ overlay: this.#draw.from(['app:proxy', 'app:absent']), options: { port: 1 } }),
    unbind: this.#number,
    entry: () => ({ id: this.entry() }),
    entries: () => ({}),
    startChild: () => ({
      ...this.#ofSupervisor(),
      child: { id: 'mine', process: this.entry(), host: this.#draw.from(this.#at.hosts) },
    }),
    terminateChild: this.#ofChild,
    restartChild: this.#ofChild,
    deleteChild: this.#ofChild,
    whichChildren: this.#ofSupervisor,
    countChildren: this.#ofSupervisor,
    partition: () => ({ ...this.#ofSupervisor(), key: 1 }),
    joinGroup: this.#member,
    leaveGroup: this.#member,
    groupMembers: () => ({ group: this.name() }),
    broadcastTo: () => ({ group: this.name() }),
    openConnection: () => ({ entry: this.entry(), ticket: '1' }),
    converse: this.#none,
    createToken: () => ({ ...this.#store(), grant: { actor: { id: 'admin', meta: {} }, scope: [] } }),
    validateToken: () => ({ ...this.#store(), token: 'x'.repeat(43) }),
    revokeToken: () => ({ ...this.#store(), actor: 'admin' }),
    openSession: () => ({ ...this.#store(), token: 'x'.repeat(43), inherit: this.inherit() }),
    openLane: () => ({ endpoint: this.entry() }),
    closeLane: this.#lane,
    lendSession: this.#lane,
    identify: () => ({ peer: { address: '100.64.0.1' } }),
    serving: () => ({ host: '127.0.0.1', port: 1 }),
    apply: () => ({ changes: [this.#change()] }),
    version: this.#none,
    history: this.#none,
    rollback: () => ({ version: this.#draw.below(3) }),
    log: () => ({ level: 'info', message: 'mallory was here', data: {} }),
    input: this.#none,
    getEnv: () => ({ name: this.#draw.from(['TROUPE_FUZZ_SECRET', 'app:secret', 'HOME']) }),
    setEnv: () => ({ name: this.#draw.from(['TROUPE_FUZZ_SECRET', 'app:secret']), value: 'theirs' }),
  }

  get names(): readonly QuestionName[] {
    return Object.keys(this.#makers).filter((name) => this.#isName(name))
  }

  #isName(name: string): name is QuestionName {
    return Object.hasOwn(this.#makers, name)
  }
}
