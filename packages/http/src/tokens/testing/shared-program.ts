/** A program that creates tokens in a store that other programs use at the same time, and revokes one. */
import { randomBytes } from 'node:crypto'
import { openSqliteTokens } from '../sqlite-tokens.ts'

/** How many tokens each program creates. */
export const created = 50
const lifetime = 3_600_000

if (import.meta.main) {
  const [file = '', name = ''] = process.argv.slice(2)
  using storage = await openSqliteTokens(file, 'app:tokens')
  const common = { actor: { id: name, meta: {} }, policies: [], groups: [], meta: {}, expires: Date.now() + lifetime }
  for (let at = 0; at < created; at += 1) storage.put({ id: `${name} ${at}`, hash: randomBytes(32), ...common })
  storage.remove(`${name} 0`)
  process.stdout.write(String(storage.of(name).length))
}
