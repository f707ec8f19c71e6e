/**
 * For tests: programs that implement the sidecar's protocol according to a script, and a clock that is moved by hand.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@troupe/core'

const opening = `#!${process.execPath}
import { existsSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
const say = (line) => process.stdout.write(JSON.stringify(line) + '\\n')
const ready = (proto = 3) => say({ ev: 'ready', proto, sock: process.argv[3], pid: process.pid, version: '0' })
const requests = (answer) => createInterface({ input: process.stdin })
  .on('line', (text) => {
    const request = JSON.parse(text)
    answer(request, (fields) => say({ id: request.id, ...fields }))
  })
  .on('close', () => process.exit(0))
const up = { ok: true, ips: ['100.64.0.1'], dns_name: 'a.tail.test', tailnet: 'tail.test' }
`

export class ScriptedSidecar implements AsyncDisposable {
  /** Its folder; scripts may keep files there. */
  readonly folder: string
  readonly program: string

  private constructor(folder: string) {
    this.folder = folder
    this.program = join(folder, 'troupe-tsnet.mjs')
  }

  /** @param script - JavaScript, which can use `ready`, `requests`, `say`, `up`, and `folder`. */
  static async write(script: string): Promise<ScriptedSidecar> {
    const sidecar = new ScriptedSidecar(await mkdtemp(join(tmpdir(), 'troupe-scripted-')))
    await writeFile(sidecar.program, `${opening}const folder = ${JSON.stringify(sidecar.folder)}\n${script}`)
    await chmod(sidecar.program, 0o755)
    return sidecar
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

/** Time stands still until {@link HandClock.advance}. */
export class HandClock implements Clock {
  readonly #timers = new Map<number, { readonly end: () => void; readonly ms: number }>()
  #last = 0

  now(): number {
    return 0
  }

  setTimeout(then: () => void, ms: number): number {
    this.#last += 1
    this.#timers.set(this.#last, { end: then, ms })
    return this.#last
  }

  clearTimeout(timer: number): void {
    this.#timers.delete(timer)
  }

  /** Milliseconds of the running timers. */
  get waits(): readonly number[] {
    return Array.from(this.#timers.values(), ({ ms }) => ms)
  }

  /** Fires the timer of that length. */
  advance(ms: number): void {
    const found = [...this.#timers].find(([, timer]) => timer.ms === ms)
    if (found === undefined) throw new Error(`no timer waits ${ms} ms, but ${this.waits.join(' and ')}`)
    this.#timers.delete(found[0])
    found[1].end()
  }
}
