/** Measures one point of a curve in its own process: `node --expose-gc point.ts <curve> <count>` prints JSON. */
import { connections } from './connections.ts'
import { entries } from './entries.ts'
import { overlays } from './overlays.ts'
import { policies } from './policies.ts'
import { crowd, senders, threads } from './processes.ts'

type Figures = Readonly<Record<string, number>>

const measures: Readonly<Record<string, (count: number) => Figures | Promise<Figures>>> = {
  processes: crowd,
  threads,
  senders,
  policies,
  entries,
  overlays,
  connections,
}

const [curve = '', count = ''] = process.argv.slice(2)
const measure = measures[curve]
if (measure === undefined) throw new Error(`there is no curve "${curve}"`)
console.log(JSON.stringify(await measure(Number(count))))
process.exit()
