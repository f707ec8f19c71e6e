/**
 * A hostile program that looks for the marks of honest ones wherever it has access; and an honest one with marks
 * everywhere.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { getHeapSnapshot } from 'node:v8'
import { ask } from '@troupe/process'
import { self } from 'troupe'
import { tell } from './port.ts'
import { speaker } from './speaker.ts'

/** Split, so that the search does not find the program's own text. */
const head = ['canary', 'of'].join('-')
const mark = new RegExp(`${head}-[a-z]+`, 'g')
const mostBytes = 4 << 20
const rounds = 400

function marksIn(text: string): readonly string[] {
  return text.match(mark) ?? []
}

const textOf = (value: unknown) =>
  inspect(value, { depth: 12, maxArrayLength: 5000, maxStringLength: 1e6, getters: false })

/** Files under a folder, as far as they are visible. */
function below(folder: string, depth: number): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return depth > 0 && entry.name !== 'node_modules' ? below(path, depth - 1) : []
      return [path]
    })
  } catch {
    return []
  }
}

function fileText(path: string): string {
  try {
    const stats = statSync(path)
    // Reading something other than a regular file could block for ever.
    return !stats.isFile() || stats.size > mostBytes ? '' : readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function filesText(paths: readonly string[]): string {
  return paths.map(fileText).join(' ')
}

const processFiles = ['environ', 'cmdline', 'maps', 'status']

/** Each place, by its name. */
const places: Readonly<Record<string, (around: Around) => unknown>> = {
  arguments: ({ planted }) => planted,
  'memory that was freed': async () => {
    const found = new Set<string>()
    for (let round = 0; round < rounds; round += 1) {
      for (const size of [16, 100, 1000, 4096, 65_536]) {
        const buffer = Buffer.allocUnsafe(size)
        for (const one of marksIn(Buffer.from(buffer.buffer).toString('latin1'))) found.add(one)
      }
      if (round % 20 === 0) await sleep(1)
    }
    return [...found]
  },
  environment: () => ({ ...process.env }),
  'the program’s words': () => [process.argv, process.execArgv, process.title],
  'a report': () => process.report.getReport(),
  'files of the system': ({ folder }) =>
    filesText([
      ...['self', '1', String(process.pid), String(process.ppid)].flatMap((pid) =>
        processFiles.map((name) => `/proc/${pid}/${name}`),
      ),
      ...below(folder, 3),
    ]),
  descriptors: () => filesText(below('/proc/self/fd', 0)),
  'the standard input': async () =>
    Promise.race([ask('input', {}).then((bytes) => Buffer.from(bytes ?? []).toString()), sleep(500)]),
  'what the kernel says of others': async ({ pids }) => {
    const { heard } = speaker()
    for (const thread of [0, 1, 2, 3, 4, 5, 6, 7, 8]) tell({ type: 'connect', thread })
    for (const pid of pids) tell({ type: 'sender', via: Number(/\d+/.exec(pid)?.[0]), pid })
    await sleep(500)
    return heard
  },
  'what the kernel answers': async ({ names }) =>
    Promise.allSettled([
      ask('entries', {}),
      ask('history', {}),
      ...names.map(async (name) => ask('getEnv', { name })),
      ...names.map(async (name) => ask('lookup', { name })),
    ]),
  'its own heap': async () => {
    let text = ''
    for await (const chunk of getHeapSnapshot()) {
      text += `${marksIn(String(chunk)).join(' ')} `
      if (text.length > mostBytes) break
    }
    return text
  },
}

export interface Around {
  readonly folder: string
  readonly pids: readonly string[]
  readonly names: readonly string[]
  /** Data that it is meant to receive. */
  readonly planted: unknown
}

/** The marks that it found, by place. Its own heap is searched last, because it contains what was found elsewhere. */
export async function search(around: Around): Promise<Readonly<Record<string, readonly string[]>>> {
  const found: Record<string, readonly string[]> = {}
  for (const [name, look] of Object.entries(places)) {
    try {
      found[name] = [...new Set(marksIn(textOf(await look(around))))]
    } catch {
      found[name] = []
    }
  }
  return found
}

/** Keeps marks in its memory, and continuously frees others. */
export async function keeper(secret: string): Promise<void> {
  const kept = Buffer.from(secret.repeat(1000))
  const timer = setInterval(() => {
    for (let n = 0; n < 20; n += 1) Buffer.from(`${head}-memory ${n}`.repeat(1 + 50 * n)).toString('hex')
  }, 1)
  for await (const message of self.inbox) message.reply(kept.length)
  clearInterval(timer)
}
