/**
 * A walk over all that can happen to a node of a tailnet, in the order that a seed determines. Its peers are the
 * sidecar, the coordination server, the relay and another node.
 */
import type { Socket } from 'node:net'
import { sleep } from '@troupe/core'
import { dial, type Overlay, type Target } from '@troupe/network'
import { day, shiftedClock } from '../../packages/network/src/testing/trouble-walk.ts'
import { echoed } from '../overlays/echoed.ts'
import { sidecarPids } from '../overlays/sidecar-pids.ts'
import { serve, TailnetWorld } from '../overlays/tailscale-fixture.ts'

const port = 7
const limit = 5000

interface Stage {
  readonly world: TailnetWorld
  readonly left: Overlay
  right: Overlay
  readonly target: Target
}

interface Stream extends Disposable {
  says(word: string): Promise<boolean>
  /** All that was sent back. */
  readonly heard: () => string
  readonly isOver: () => boolean
}

/**
 * What a step does, and what becomes of an open stream: it continues, it may wait for the end of the trouble and
 * continues
 * then, it breaks, or either.
 */
interface Happening {
  readonly name: string
  readonly stream: 'continues' | 'waits' | 'breaks' | 'either'
  /** Whether dials work meanwhile; `either` where that depends on the moment. */
  readonly dials: 'work' | 'fail' | 'either'
  readonly begin: (stage: Stage, random: () => number) => Promise<void>
  readonly end: (stage: Stage) => Promise<void>
}

const nothing = async () => Promise.resolve()

async function signal(name: NodeJS.Signals): Promise<void> {
  for (const pid of await sidecarPids()) process.kill(pid, name)
}

const happenings: readonly Happening[] = [
  {
    name: 'the sidecar is killed',
    stream: 'breaks',
    dials: 'either',
    begin: async () => signal('SIGKILL'),
    end: nothing,
  },
  {
    name: 'the sidecar pauses',
    stream: 'continues',
    dials: 'either',
    async begin(_stage, random) {
      await signal('SIGSTOP')
      await sleep(random() * 3000)
      await signal('SIGCONT')
    },
    end: nothing,
  },
  {
    name: 'the coordination server goes',
    stream: 'continues',
    dials: 'work',
    begin: async ({ world }) => void (await world.tailnet.command('control', { on: false })),
    end: async ({ world }) => void (await world.tailnet.command('control', { on: true })),
  },
  {
    name: 'the relay goes',
    // Until the direct way is found, it is the only one.
    stream: 'waits',
    dials: 'either',
    begin: async ({ world }) => void (await world.tailnet.command('relay', { on: false })),
    end: async ({ world }) => void (await world.tailnet.command('relay', { on: true })),
  },
  {
    name: 'the login expires, and the key is refused',
    stream: 'either',
    dials: 'fail',
    async begin({ world }) {
      await world.tailnet.command('revoke_all')
      await world.tailnet.command('expire', { node: 'left' })
    },
    end: async ({ world }) => void (await world.tailnet.command('renew', { node: 'left' })),
  },
  {
    name: 'the peer is closed',
    stream: 'breaks',
    dials: 'fail',
    begin: async ({ world, right }) => world.overlays.remove(right.id),
    async end(stage) {
      stage.right = await stage.world.overlays.add(stage.right.id)
      await serve(stage.right, port, echo)
    },
  },
]

function echo(socket: Socket): void {
  socket.pipe(socket)
}

export interface Walk {
  /** @throws Error the first deviation from what must be. */
  step(random: () => number, patience: number): Promise<void>
}

/** Two nodes, and a server at one of them. */
export async function tailnetWalk(stack: AsyncDisposableStack): Promise<Walk> {
  const world = stack.use(await TailnetWorld.start())
  const [left, right] = await Promise.all([world.node('left'), world.node('right')])
  const target = await serve(right, port, echo)
  const stage: Stage = { world, left, right, target }
  return { step: async (random, patience) => step(stage, random, patience) }
}

async function step(stage: Stage, random: () => number, patience: number): Promise<void> {
  const happening = happenings[Math.floor(random() * happenings.length)]
  if (happening === undefined) throw new Error('there is no such happening')
  const { name, begin, end } = happening
  await until(async () => isEchoed(stage), patience, `dials before ${name}`)
  using stream = await openStream(stage)
  if (!(await stream.says('first'))) throw new Error(`before ${name}, a stream says ${stream.heard()}`)
  using _clock = random() < 0.3 ? shiftedClock((random() - 0.5) * 2 * day) : undefined
  await begin(stage, random)
  await duringTrouble(stage, happening, stream, patience)
  await end(stage)
  await until(async () => isEchoed(stage), patience, `dials after ${name}`)
  await until(async () => isUp(stage), patience, `the state after ${name}`)
  if (!stream.heard().startsWith('first')) throw new Error(`after ${name}, a stream lost what it had heard`)
  if (['continues', 'waits'].includes(happening.stream) && !(await stream.says('last')))
    throw new Error(`an open stream did not survive that ${name}`)
}

async function duringTrouble(
  stage: Stage,
  { name, stream: fate, dials }: Happening,
  stream: Stream,
  patience: number,
): Promise<void> {
  if (fate === 'breaks') await until(async () => Promise.resolve(stream.isOver()), patience, `a stream when ${name}`)
  if (fate === 'continues' && !(await stream.says('more'))) throw new Error(`an open stream broke when ${name}`)
  if (dials === 'work' && !(await isEchoed(stage))) throw new Error(`a dial failed when ${name}`)
  if (dials === 'fail') await until(async () => !(await isEchoed(stage)), patience, `dials when ${name}`)
}

async function openStream({ left, target }: Stage): Promise<Stream> {
  const socket = await dial(left.route, target, { timeout: limit })
  let heard = ''
  let over = false
  socket.on('error', () => void (over = true)).on('close', () => void (over = true))
  socket.on('data', (chunk) => void (heard += String(chunk)))
  const says = async (word: string) => {
    const wanted = heard.length + word.length
    socket.write(word)
    const end = performance.now() + 4 * limit
    while (heard.length < wanted && !socket.destroyed && performance.now() < end) await sleep(5)
    return heard.endsWith(word)
  }
  return { says, heard: () => heard, isOver: () => over, [Symbol.dispose]: () => void socket.destroy() }
}

async function isEchoed({ left, target }: Stage): Promise<boolean> {
  const hello = Buffer.from('hello')
  return dial(left.route, target, { timeout: limit })
    .then(async (socket) => (await echoed(socket, hello)).equals(hello))
    .catch(() => false)
}

async function isUp({ world, left }: Stage): Promise<boolean> {
  left.doubt?.()
  return (await world.overlays.status(left.id))?.state === 'up'
}

async function until(condition: () => Promise<boolean>, patience: number, what: string): Promise<void> {
  const end = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not as it should be in ${patience} ms`)
    await sleep(50)
  }
}
