/** Programs that do what policies decide on, and programs that try to do it without a decision. */
import { currentFrame, entryId, emptyFrame, fork, isPid, type Pid } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { ask, currentParticipant, currentRuntime, processes, self } from '@troupe/process'

const host = 'app:host'
/** A refusal takes some turns of the kernel; this many requests take more. */
const someAnswers = 10

/** Settles after what was asked before was answered. */
async function laterAnswers(): Promise<void> {
  for (let n = 0; n < someAnswers; n += 1) await processes.names.lookup('missing')
}

/** What can be done; `to` is a process that collects messages. */
const operations = {
  spawn: async () => processes.spawn('app:guarded.rest', host),
  spawnMonitored: async () => processes.spawnMonitored('app:guarded.rest', host),
  spawnLinked: async () => processes.spawnLinked('app:guarded.rest', host),
  spawnBoth: async () => processes.spawnLinkedMonitored('app:guarded.rest', host),
  exec: async () => processes.exec('app:guarded.rest', host),
  named: async () => processes.withName('worker').spawn('app:guarded.rest', host),
  context: async () => processes.withContext({ a: 1 }).spawn('app:guarded.rest', host),
  actor: async () => processes.withActor(newActor('bob')).spawn('app:guarded.rest', host),
  scope: async () => processes.withScope(new Scope()).spawn('app:guarded.rest', host),
  network: async () => processes.withOptions({ network: 'net:proxy' }).spawn('app:guarded.rest', host),
  direct: async () => processes.withOptions({ network: null }).spawn('app:guarded.rest', host),
  send: async (to: Pid) => processes.send(to, 'hello', 1),
  sendByName: async () => processes.send('collector', 'hello', 1),
  trySend: async (to: Pid) => {
    if (processes.trySend(to, 'hello')) throw new Error('it was not asked about')
    await new Promise(setImmediate)
    return processes.trySend(to, 'hello')
  },
  call: async (to: Pid) => processes.call(to, 'hello', 1, { timeout: 1000 }).catch(unlessTimeout),
  monitor: async (to: Pid) => processes.monitor(to),
  unmonitor: async (to: Pid) => processes.unmonitor(to),
  exited: async (to: Pid) => Promise.race([processes.exited(to), laterAnswers()]),
  link: async (to: Pid) => processes.link(to),
  unlink: async (to: Pid) => processes.unlink(to),
  terminate: async (to: Pid) => processes.terminate(to),
  cancel: async (to: Pid) => processes.cancel(to),
  register: async () => processes.names.register('mine'),
  registerForeign: async (to: Pid) => processes.names.register('theirs', to),
  unregister: async () => processes.names.unregister('mine'),
  unregisterForeign: async () => processes.names.unregister('collector'),
  join: async () => processes.groups.join('workers'),
  joinForeign: async (to: Pid) => processes.groups.join('workers', to),
  leave: async () => processes.groups.leave('workers'),
  leaveForeign: async (to: Pid) => processes.groups.leave('workers', to),
  broadcast: async () => processes.groups.broadcast('missing', 'news'),
  lookup: async () => (await processes.names.lookup('collector')) ?? 'none',
  members: async () => (await processes.groups.members('collectors')).join() || 'none',
  ownMember: async () => {
    await processes.groups.join('own')
    await processes.names.register('own')
    const [member] = await processes.groups.members('own')
    if (member !== self.pid || (await processes.names.lookup('own')) !== self.pid) throw new Error('it is hidden')
  },
  entry: async () => ask('entry', { id: entryId('app:guarded.rest') }),
  entries: async () => (await ask('entries', {})).length,
  getEnv: async () => ask('getEnv', { name: 'HOME' }),
  // What is no text would be made one only where it is used.
  getEnvUntyped: async () => {
    const asked: unknown = Reflect.apply(ask, undefined, ['getEnv', { name: ['HOME'] }])
    await asked
  },
  setEnv: async () => ask('setEnv', { name: 'NOBODY', value: '' }),
  can: async () => ask('can', { action: 'document.read', resource: 'd', meta: { owner: 'ann' } }),
}

export type Operation = keyof typeof operations

/** Operations whose results are returned. */
const withResult: ReadonlySet<Operation> = new Set(['entries', 'can', 'lookup', 'members'])

/** Does it, and answers `done`, or what was denied. */
export async function act(operation: Operation, to: string) {
  if (!isPid(to)) throw new Error(`${to} is no pid`)
  try {
    const answer = await operations[operation](to)
    return withResult.has(operation) ? answer : 'done'
  } catch (error) {
    return described(error)
  }
}

function described(error: unknown): unknown {
  if (!(error instanceof Error && 'kind' in error && 'details' in error)) throw error
  const details: unknown = error.details
  if (error.kind !== 'PermissionDenied' || typeof details !== 'object' || details === null) return error.kind
  return 'action' in details && 'resource' in details
    ? `${String(details.action)} of ${String(details.resource)}`
    : error.message
}

function unlessTimeout(error: unknown): void {
  if (!(error instanceof Error && 'kind' in error && error.kind === 'Timeout')) throw error
}

export function rest(): void {}

/** Collects topics until it is cancelled. */
export async function collector() {
  const topics: unknown[] = []
  for await (const message of self.inbox) topics.push(message.topic)
  return topics
}

/** Sends without a decision, by the runtime's own means, and then requests what it may do. */
export async function smuggle(to: string, allowed: string) {
  if (!isPid(to) || !isPid(allowed)) throw new Error('no pid')
  const { router } = currentRuntime()
  const by = currentParticipant()
  const frame = currentFrame() ?? emptyFrame
  const sent = (target: Pid) => router.send(by, { to: target, topic: 'smuggled', payload: 1, frame, transfer: [] })
  void sent(to).catch(() => undefined)
  await processes.send(allowed, 'allowed')
}

/** Sends in a frame of its own making. */
export async function disguise(to: string, overlay: string | null | undefined) {
  if (!isPid(to)) throw new Error('no pid')
  const chosen = typeof overlay === 'string' ? entryId(overlay) : overlay
  const { router } = currentRuntime()
  await router.send(currentParticipant(), {
    to,
    topic: 'disguised',
    payload: 1,
    frame: fork(currentFrame() ?? emptyFrame, { overlay: chosen }),
    transfer: [],
  })
}

/** Answers the overlays in which it handles messages, one for each. */
export async function overlays(count: number) {
  const seen: unknown[] = []
  for (let i = 0; i < count; i += 1) {
    await self.receive()
    seen.push(currentFrame()?.overlay)
  }
  return seen
}

/**
 * Asks to start something, with claims of its own making about what it inherits, and chooses for it: fields without a
 * value, and a link besides the result, which the API never sends.
 */
export async function claim(
  inherit: Readonly<Record<string, unknown>>,
  choice: Readonly<Record<string, unknown>> = {},
  isLinked = false,
) {
  const { links, kernel } = currentRuntime()
  const honest = { overlay: undefined, values: {}, deadline: undefined, trace: undefined }
  const { watcher, exit } = links.promise(self.pid)
  const started = links.spawning(self.pid, { monitor: watcher })
  try {
    const { pid } = await kernel.request(
      'spawn',
      {
        entry: entryId('app:tree.frame'),
        host: entryId(host),
        args: [],
        choice,
        inherit: { ...honest, ...inherit },
        monitor: watcher,
        ...(isLinked && { link: self.pid }),
      },
      self.pid,
    )
    started(pid)
    const ended = await exit
    return 'value' in ended ? ended.value : ended.error.kind
  } catch (error) {
    return described(error)
  }
}

/** Pretends to have started a process by itself. */
export async function bear() {
  const { kernel } = currentRuntime()
  const born = pidBeside(self.pid)
  kernel.notify({
    type: 'processStarted',
    pid: born,
    by: self.pid,
    entry: entryId('app:guarded.rest'),
    inherit: { overlay: undefined, values: {}, deadline: undefined, trace: undefined },
  })
  try {
    await kernel.request('entry', { id: entryId('app:guarded.rest') }, born)
    return 'done'
  } catch (error) {
    return described(error)
  }
}

function pidBeside(own: Pid): Pid {
  const other = own.replace(/\.\d+>$/, '.77>')
  if (!isPid(other)) throw new Error(`${other} is no pid`)
  return other
}
