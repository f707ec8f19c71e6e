import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { expect, it, vi } from 'vitest'
import { TailnetNode } from './node.ts'
import { Sidecar } from './sidecar.ts'
import { HandClock, ScriptedSidecar } from './testing/scripted-sidecar.ts'

const secret = 'tskey-auth-secret'

/** A node in a sidecar that follows `script`. */
class Stage implements AsyncDisposable {
  readonly clock = new HandClock()
  readonly log: string[] = []
  readonly sidecar: Sidecar
  readonly node: TailnetNode
  readonly #stack: AsyncDisposableStack

  private constructor(program: string, folder: string, stack: AsyncDisposableStack) {
    this.sidecar = new Sidecar({
      program: async () => Promise.resolve(program),
      clock: this.clock,
      delays: { initial: 250, max: 250 },
    })
    this.node = new TailnetNode({
      overlay: entryId('app:tailnet'),
      hostname: 'a',
      stateDir: join(folder, 'state'),
      authKey: secret,
      controlUrl: undefined,
      ephemeral: false,
      tags: [],
      exitNode: undefined,
      sidecar: this.sidecar,
      log: (line) => void this.log.push(line),
      clock: this.clock,
      delays: { initial: 1_000, max: 60_000 },
    })
    this.#stack = stack
    stack.use(this.node)
  }

  static async start(script: string): Promise<Stage> {
    await using stack = new AsyncDisposableStack()
    const { program } = stack.use(await ScriptedSidecar.write(script))
    const folder = await mkdtemp(join(tmpdir(), 'troupe-node-'))
    stack.defer(async () => rm(folder, { recursive: true }))
    return new Stage(program, folder, stack.move())
  }

  async until(state: string): Promise<void> {
    await vi.waitUntil(() => this.node.standing.state === state, { timeout: 120_000 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** Replies to `up` with the entries of `answers` in the script, one after the other, across restarts. */
const scripted = (answers: string) => `
import { readFileSync } from 'node:fs'
const answers = ${answers}
ready()
requests((request, answer) => {
  if (request.op !== 'up') return answer({ ok: true, listener: 'l', port: request.port })
  const count = existsSync(folder + '/count') ? Number(readFileSync(folder + '/count')) : 0
  writeFileSync(folder + '/count', String(count + 1))
  answers[Math.min(count, answers.length - 1)](answer, request)
})`

it('joins again when the sidecar has died, and retries with growing delays while it fails', async () => {
  const refuses = "(answer) => answer({ ok: false, code: 'ECONTROL', error: 'no reply' })"
  const joins = '(answer) => answer(up)'
  await using stage = await Stage.start(scripted(`[${joins}, ${refuses}, ${refuses}, ${refuses}, ${joins}]`))
  const { node, clock, sidecar } = stage
  await node.settled()
  const place = await node.bind({ port: 0 })
  process.kill(sidecar.pid ?? Number.NaN, 'SIGKILL')
  await vi.waitUntil(() => clock.waits.includes(250))
  clock.advance(250)
  for (const delay of [1000, 2000, 4000]) {
    await stage.until('Waiting')
    expect(node.standing.error).toMatchObject({ kind: 'Unavailable', message: containing('no reply (ECONTROL)') })
    expect(() => node.present()).toThrow(/is not in its tailnet/)
    clock.advance(delay)
    if (delay < 4000) await vi.waitUntil(() => clock.waits.includes(delay * 2))
  }
  await stage.until('Joined')
  expect(node.present().dns_name).toBe('a.tail.test')
  await node.giveUp(place)
  expect(stage.log).toHaveLength(4)
})

it('is refused permanently, and does not retry', async () => {
  await using stage = await Stage.start(
    scripted("[(answer) => answer({ ok: false, code: 'EAUTH', error: 'wrong key' })]"),
  )
  await expect(stage.node.settled()).rejects.toMatchObject({ kind: 'PermissionDenied', final: true })
  expect(stage.node.standing.state).toBe('Refused')
  // Only the timer of the sidecar, which runs.
  expect(stage.clock.waits).toEqual([10_000])
})

it('waits for a user to log it in, reports the address, and is given the time', async () => {
  const url = 'https://login.test/a/1'
  const asks = `(answer, request) => {
    say({ ev: 'auth_url', node: request.node, url: '${url}' })
    if (request.timeout_ms < 60_000) answer({ ok: false, code: 'ELOGIN', error: 'no login', url: '${url}' })
    else answer(up)
  }`
  await using stage = await Stage.start(scripted(`[${asks}]`))
  const { node, log, clock } = stage
  await node.settled()
  expect(node.standing).toMatchObject({ wish: { type: 'login', url } })
  expect(log[0]).toBe(`overlay app:tailnet: the node "a" needs a login: open ${url}`)
  await expect(node.bind({ port: 80 })).rejects.toMatchObject({ kind: 'Unavailable', message: containing(url) })
  await stage.until('Waiting')
  clock.advance(1000)
  await stage.until('Joined')
  expect(node.standing.wish).toBeUndefined()
  expect(log.join('\n')).not.toContain(secret)
})

function containing(part: string): unknown {
  return expect.stringContaining(part)
}

it('logs a name that it did not ask for, once (ivy/thicket#82)', async () => {
  const renamed = "(answer) => answer({ ...up, dns_name: 'a-1.tail.test' })"
  await using stage = await Stage.start(scripted(`[${renamed}, ${renamed}]`))
  await stage.until('Joined')
  const line = 'overlay app:tailnet: the tailnet named its node "a-1", not "a": another node may have that name'
  expect(stage.log).toEqual([line])
})
