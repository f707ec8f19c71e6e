/** Programs that choose an overlay at every edge there is, and that look which way they go out. */
import { currentFrame } from '@troupe/core'
import { type CallOptions, funcs, http, isPid, processes, security, self, trace, TroupeError } from 'troupe'

/** Goes out, and answers the address that was seen, or what went wrong. */
export async function look(url: string): Promise<string> {
  return told(async () => (await http.get(url)).text())
}

async function told(work: () => Promise<unknown>): Promise<string> {
  try {
    return String(await work())
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    const { kind, details } = error
    return kind === 'PermissionDenied' ? `denied: ${String(details['action'])} of ${String(details['resource'])}` : kind
  }
}

export interface Choice {
  readonly edge: keyof typeof edges
  /** The choice at the edge; absent for none. */
  readonly network?: string | null
  /** Takes the pinned one of the entries. */
  readonly pinned?: boolean
  readonly url: string
  /** A process that looks for whoever sends to it. */
  readonly receiver: string
}

const options = ({ network }: Choice): CallOptions => (network === undefined ? {} : { network })
const pinned = (name: string, { pinned = false }: Choice) => `app:${name}${pinned ? '_pinned' : ''}`
const overlay = ({ network }: Choice) => (network === undefined ? {} : { overlayNetwork: network })

const edges = {
  function: async (choice: Choice) => funcs.withOptions(options(choice)).call(pinned('look', choice), choice.url),
  inline: async (choice: Choice) => funcs.withOptions(options(choice)).call(pinned('inline', choice), choice.url),
  process: async (choice: Choice) => processes.withOptions(options(choice)).exec(pinned('process', choice), 'app:threads', choice.url),
  shared: async (choice: Choice) => processes.withOptions(options(choice)).exec(pinned('process', choice), 'app:shared', choice.url),
  request: async (choice: Choice) => (await http.get(choice.url, overlay(choice))).text(),
  batch: async (choice: Choice) => {
    const [result] = await http.batch([['GET', choice.url, overlay(choice)]])
    if (result?.error !== undefined) throw result.error
    return result?.response.text()
  },
  message: async (choice: Choice) =>
    processes.withOptions(options(choice)).exec(pinned('sender', choice), 'app:threads', choice.receiver, choice.url, 'send'),
  call: async (choice: Choice) =>
    processes.withOptions(options(choice)).exec(pinned('sender', choice), 'app:threads', choice.receiver, choice.url, 'call'),
  nested: async (choice: Choice) => funcs.withOptions(options(choice)).call(pinned('nest', choice), choice.url),
}

/** Chooses at the edges that it is told, and answers how what is beneath went out. */
export async function choose(): Promise<void> {
  for await (const message of self.inbox) {
    const { payload } = message
    if (isChoice(payload)) message.reply(await told(() => edges[payload.edge](payload)))
  }
}

function isChoice(value: unknown): value is Choice {
  return typeof value === 'object' && value !== null && 'edge' in value
}

/** Lets another process look, in this one's frame. */
export async function sender(to: string, url: string, how: 'send' | 'call'): Promise<unknown> {
  if (how === 'call') return processes.call(to, 'look', url)
  await processes.send(to, 'look', { url, to: self.pid })
  return (await self.receive({ topic: 'seen' })).payload
}

/** Looks for others, each time in the frame of the message. */
export async function receiver(): Promise<void> {
  for await (const message of self.inbox) {
    const { payload } = message
    if (typeof payload === 'string') message.reply(await look(payload))
    else await answer(payload)
  }
}

async function answer(payload: unknown): Promise<void> {
  if (typeof payload !== 'object' || payload === null || !('url' in payload && 'to' in payload)) return
  const { url, to } = payload
  if (typeof url === 'string' && typeof to === 'string' && isPid(to)) await processes.send(to, 'seen', await look(url))
}

export async function nest(url: string): Promise<unknown> {
  return processes.exec('app:middle', 'app:threads', url)
}

export async function middle(url: string): Promise<unknown> {
  return funcs.call('app:look', url)
}

/** What code learns about its own standing. */
export async function ask(): Promise<unknown> {
  const scope = security.scope()
  const actor = security.actor()
  const policy = await security.policy('app:no_select')
  return {
    actor: actor?.id,
    scope: scope?.policies,
    own: await security.can('document.read', 'd', { owner: actor?.id }),
    others: await security.can('document.read', 'd', { owner: 'somebody' }),
    free: (await security.namedScope('free')).policies,
    policy: [policy.id, policy.effect, await policy.evaluate(actor, 'network.select', 'x')],
    made: await security.newScope(['app:all']).with('app:no_select').evaluate(actor, 'network.select', 'app:live'),
    without: await security.newScope(['app:all', 'app:no_select']).without('app:no_select').evaluate(actor, 'network.select', 'app:live'),
    unknown: await security.namedScope('nobody').catch((error: unknown) => (error instanceof TroupeError ? error.kind : error)),
  }
}

/** Begins a trace, and answers it with the headers that a request beneath carried. */
export async function traced(url: string): Promise<unknown> {
  const before = await funcs.call('app:headers', url)
  const began = trace.begin()
  return { before, began, again: trace.begin(), beneath: await funcs.call('app:headers', url), frame: currentFrame()?.trace }
}

/** The trace of the frame, and that of a request. */
export async function headers(url: string): Promise<unknown> {
  const response = await http.get(url)
  await response.body?.cancel()
  return { own: currentFrame()?.trace, sent: response.headers.get('x-traceparent') ?? undefined }
}

export async function idle(): Promise<void> {
  for await (const message of self.inbox) message.reply({ actor: security.actor(), scope: security.scope()?.policies })
}
