/** Boots an application of many entries and ends: run by `registry.ts`. The entries are written by it. */
import { boot } from 'troupe/app'

const [root = ''] = process.argv.slice(2)
const app = await boot({ root, onLog: () => undefined })
process.stdout.write(`${app.registry.find().length}\n`)
await app.stop()
