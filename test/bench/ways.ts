/**
 * `npm run bench:ways`: how many source files a message and a call pass through. They are sent one by one; a file
 * counts if one of its functions runs for nine of ten of them, in any of the threads. `-- --list` names the files.
 */
import { processes } from 'troupe'
import { boot } from 'troupe/app'
import { filesCounted, startCounting } from './functions-app/src/coverage.ts'
import { type Line, printTable, scaled } from './measure.ts'

const count = scaled(1000, 50)

/** Runs a program that counts in its own threads, and counts in the kernel's. */
async function way(program: string, ...args: readonly unknown[]): Promise<ReadonlySet<string>> {
  startCounting()
  const found: unknown = await processes.exec(`bench:${program}`, 'bench:threads', ...args, count)
  return new Set([...filesCounted(count * 0.9), ...(Array.isArray(found) ? found.map(String) : [])])
}

function linesOf(what: string, files: ReadonlySet<string>): readonly Line[] {
  if (process.argv.includes('--list')) console.log([what, ...[...files].toSorted(), ''].join('\n'))
  const others = [...files].filter((file) => !file.startsWith('core/'))
  return [
    { what, figure: others.length, unit: 'files' },
    { what: 'the same, with the shared tools of core', figure: files.size, unit: 'files' },
  ]
}

await using app = await boot({ root: new URL('./functions-app', import.meta.url).pathname, onLog: () => undefined })
await app.run(async () => {
  const to = await processes.spawn('bench:receiver', 'bench:threads')
  const message = linesOf('a message, from thread to thread', await way('sender', to))
  const call = linesOf('a call of a function in a pool', await way('caller'))
  printTable('Ways', [...message, ...call])
})
