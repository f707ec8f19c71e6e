/**
 * `npm run soak:overlays`: runs random walks over all events between an overlay and its peer, each with its own seed,
 * for `SOAK_SECONDS` (60). `SOAK_SEED` is the first seed; a failed walk can be repeated with its seed.
 */
import { drivers, type Driver } from '../../packages/network/src/testing/trouble-stages.ts'
import { seeded, step } from '../../packages/network/src/testing/trouble-walk.ts'
import { buildTailscale } from '../peers/tailscale-programs.ts'
import { tailnetWalk, type Walk } from './tailnet-walk.ts'

const seconds = Number(process.env['SOAK_SECONDS'] ?? 60)
const firstSeed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000)
const stepsOfWalk = 20
const patience = 60_000

interface Walker {
  readonly name: string
  readonly start: (stack: AsyncDisposableStack) => Promise<Walk>
}

const walkers: readonly Walker[] = [
  ...drivers.map(walkerOf),
  { name: 'network.tailscale', start: async (stack) => tailnetWalk(stack) },
]
await buildTailscale()

const until = performance.now() + seconds * 1000
const problems: string[] = []
const counts = await Promise.all(walkers.map(walks))
await new Promise((resolve) => setTimeout(resolve, 500))
globalThis.gc?.()
const left = process.getActiveResourcesInfo().filter((kind) => !['TTYWrap', 'PipeWrap', 'FSReqCallback'].includes(kind))
console.log(`steps: ${walkers.map(({ name }, at) => `${name} ${counts[at]}`).join(', ')}; seeds from ${firstSeed}`)
console.log(`resources left: ${JSON.stringify(left)}; memory ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)
if (left.length > 1) problems.push(`resources are left: ${left.join(', ')}`)
for (const problem of problems) console.error(problem)
// Remaining handles would keep it running.
process.exit(problems.length > 0 ? 1 : 0)

function walkerOf({ name, start }: Driver): Walker {
  return {
    name,
    async start(stack) {
      const stage = await start(stack)
      return { step: async (random, patience) => step(stage, random, patience) }
    },
  }
}

/** Runs one walk after the other; returns the number of steps. */
async function walks({ name, start }: Walker): Promise<number> {
  let steps = 0
  for (let seed = firstSeed; performance.now() < until && problems.length === 0; seed += 1) {
    await using stack = new AsyncDisposableStack()
    const walk = await start(stack)
    const random = seeded(seed)
    try {
      for (let made = 0; made < stepsOfWalk && performance.now() < until; made += 1, steps += 1)
        await walk.step(random, patience)
    } catch (error) {
      problems.push(
        `${name}, seed ${seed}, step ${steps % stepsOfWalk}: ` +
          (error instanceof Error ? error.message : String(error)),
      )
    }
  }
  return steps
}
