/** The sidecars of this process, as the operating system sees them. */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export async function sidecarPids(): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(pids.map(async (pid) => ((await isOurSidecar(pid)) ? [Number(pid)] : [])))
  return found.flat()
}

/** Arguments and environment of a process. */
export async function givenTo(pid: number): Promise<string> {
  return `${await read(pid, 'cmdline')} ${await read(pid, 'environ')}`
}

async function isOurSidecar(pid: string): Promise<boolean> {
  const [, state, parent] = /\) (\w) (\d+)/.exec(await read(pid, 'stat')) ?? []
  // An ended process is a zombie until its parent collects it.
  return Number(parent) === process.pid && state !== 'Z' && (await read(pid, 'cmdline')).includes('troupe-tsnet')
}

/** Empty if the process has ended meanwhile. */
async function read(pid: string | number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}

/** Stops a process, and waits until each of its threads stands still: a signal takes effect in its own time. */
export async function suspend(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  while (!(await isStopped(pid))) await sleep(10)
}

async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`)
  const states = await Promise.all(threads.map(async (thread) => read(`${pid}/task/${thread}`, 'stat')))
  return states.every((stat) => /\) T /.test(stat))
}
