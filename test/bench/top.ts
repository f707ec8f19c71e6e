/**
 * `npm run bench:top`: the processor time of `troupe top` on a terminal of 80 × 24, for an application with a thousand
 * processes. It needs `tmux`.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { AppFolder } from '../cli/app-folder.ts'
import { now, printTable, scaled } from './measure.ts'

const most = 2
const percent = 100
/** Seconds for the start, and then for the measurement. */
const warmup = scaled(5, 1)
const seconds = scaled(30, 2)
/** Of the kernel's clock in `/proc/<pid>/stat`. */
const ticksPerSecond = 100

const files = {
  'package.json': '{ "type": "module" }',
  'src/_index.yaml': `
namespace: app
entries:
  - name: workers
    kind: process.host
    host: { isolation: shared, workers: 1 }
    lifecycle: { auto_start: true }
  - { name: idle, kind: process.ts, source: "file://work.ts", method: idle }
  - { name: fill, kind: process.ts, source: "file://work.ts", method: fill }
  - { name: filler, kind: process.service, process: app:fill, host: app:workers, lifecycle: { auto_start: true } }
`,
  'src/work.ts': `
import { processes, self } from 'troupe'
export async function idle() {
  for await (const message of self.inbox) message.reply(1)
}
export async function fill() {
  for (let count = 0; count < 999; count += 1) await processes.spawn('app:idle', 'app:workers')
  await idle()
}
`,
}

using folder = new AppFolder(files)
using program = folder.start('run')
await program.says('troupe: running')
const tmux = async (...argv: readonly string[]) =>
  (await promisify(execFile)('tmux', ['-S', join(folder.path, 'tmux'), '-f', '/dev/null', ...argv])).stdout
const command = `exec ${process.execPath} ${folder.programPath} top`
await tmux('new-session', '-d', '-x', '80', '-y', '24', '-c', folder.path, 'sh', '-c', command)
try {
  while (!(await tmux('capture-pane', '-p')).includes('1000 processes')) await setTimeout(percent)
  await setTimeout(warmup * 1000)
  const pid = (await tmux('list-panes', '-F', '#{pane_pid}')).trim()
  const [cpu, start] = [ticksOf(pid), now()]
  await setTimeout(seconds * 1000)
  const figure = ((ticksOf(pid) - cpu) / ticksPerSecond / ((now() - start) / 1000)) * percent
  printTable('troupe top, 1,000 processes, 80 × 24', [
    { what: 'processor', figure, unit: '%', target: { text: `<= ${most}`, met: figure <= most } },
  ])
} finally {
  await tmux('kill-server')
  program.kill('SIGTERM')
  await program.ended
}

/** The processor time of a program since its start. */
function ticksOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in parentheses, may contain spaces. After it come the state and the fields from the fourth on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [11, 12]
  return Number(fields[user]) + Number(fields[system])
}
