/** The sidecars of this process, as the operating system sees them. */
import { readdir, readFile } from 'node:fs/promises'

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
