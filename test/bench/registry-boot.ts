/** Boots an application of many entries and ends: `registry.ts` runs it and writes the entries. */
import { boot } from 'troupe/app'

const [root = ''] = process.argv.slice(2)
const app = await boot({ root, onLog: () => undefined })
process.stdout.write(`${app.registry.find().length}\n`)
await app.stop()
