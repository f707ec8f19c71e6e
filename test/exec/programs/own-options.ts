/** Prints what a program sees of its options. */
import { getHeapStatistics } from 'node:v8'

const own = Object.keys(process.env).filter((name) => name.startsWith('TROUPE_EXEC'))
const { heap_size_limit: limit } = getHeapStatistics()
console.log(JSON.stringify([process.env['NODE_OPTIONS'], process.execArgv, own, limit < 5e8]))
