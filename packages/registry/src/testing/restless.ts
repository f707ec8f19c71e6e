/** A program for tests: it changes its registry until it is killed. Every entry contains the number of its version. */
import { entryId } from '@troupe/core'
import { Registry } from '../registry.ts'
import { openSqliteHistory } from '../changes/sqlite-history.ts'
import { link } from './kinds.ts'

const [file = ''] = process.argv.slice(2)
const registry = new Registry({ kinds: [link] })
const names = Array.from({ length: 20 }, (_, index) => `app:e${index}`)
registry.add(...names.map((id) => ({ id: entryId(id), kind: link.kind, meta: { version: 0 } })))
registry.open(await openSqliteHistory(file))
for (;;) {
  const meta = { version: registry.version() + 1 }
  await registry.apply(names.map((id) => ({ op: 'update', entry: { id, kind: link.kind, meta } })))
  process.stdout.write(`${registry.version()}\n`)
}
