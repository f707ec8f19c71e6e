/**
 * A hostile program that speaks the thread protocol: requests, claims and signals at random, from a seed; and the
 * victims that it attacks.
 */
import { inspect } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPid, type Pid, threadOf } from '@troupe/core'
import { currentRuntime } from '@troupe/process'
import { log, processes, self } from 'troupe'
import { Draw } from './draw.ts'
import { lie, note, signal } from './notes.ts'
import { tell } from './port.ts'
import { Questions, type FuzzContext } from './questions.ts'
import { speaker } from './speaker.ts'

/** `obedient`: messages are well formed, and none ends the thread. `breaking`: some are malformed. */
export type Manner = 'obedient' | 'breaking'

export interface Answered {
  readonly name: string
  /** The request was made in its own name. */
  readonly own: boolean
  readonly ask: string
  readonly answer: string
}

export interface FuzzReport {
  readonly asked: number
  /** The requests that were not refused. */
  readonly answered: readonly Answered[]
  /** Marks of honest processes in what it received. */
  readonly marks: readonly string[]
}

/** Milliseconds to wait for the last replies. */
const patience = 1000
const pace = 16
const longest = 160

/** Split, so that the search does not find the program's own text. */
const mark = new RegExp(`${['canary', 'of'].join('-')}-[a-z]+`, 'g')
const text = (value: unknown): string =>
  inspect(value, { depth: 8, maxArrayLength: 1000, maxStringLength: 10_000, getters: false })

export async function fuzz(
  seed: number,
  steps: number,
  manner: Manner,
  context: Omit<FuzzContext, 'own'>,
): Promise<FuzzReport> {
  process.on('uncaughtException', () => undefined)
  const draw = new Draw(seed, manner === 'breaking')
  const attempt = new Attempt(draw, context)
  for (let step = 0; step < steps; step += 1) {
    if (manner === 'breaking' && draw.oneIn(40)) attempt.breakSomething()
    else attempt.step()
    if (step % pace === 0) await sleep(1)
  }
  return attempt.end()
}

class Attempt {
  readonly #draw: Draw
  readonly #questions: Questions
  readonly #honest: readonly string[]
  readonly #speaker = speaker()
  readonly #answered: Answered[] = []
  readonly #open: Promise<unknown>[] = []

  constructor(draw: Draw, { pids, ...around }: Omit<FuzzContext, 'own'>) {
    this.#draw = draw
    this.#honest = pids
    this.#questions = new Questions(draw, { ...around, pids, own: self.pid })
  }

  step(): void {
    const kind = this.#draw.below(10)
    if (kind < 6) this.#ask()
    else if (kind < 8) this.#say(note(this.#draw, this.#questions))
    else this.#send((sent) => sent)
  }

  /** A message that no honest thread sends. */
  breakSomething(): void {
    const [draw, questions] = [this.#draw, this.#questions]
    draw.from<() => void>([
      () => {
        this.#say(lie(draw, questions))
      },
      () => {
        this.#say(draw.broken(note(draw, questions)))
      },
      () => {
        this.#say(draw.junk())
      },
      () => {
        this.#send((sent) => draw.broken(sent))
      },
      () => {
        this.#send(() => draw.junk())
      },
      () => {
        this.#send(() => signal(draw, questions.pid(), questions.pid()))
      },
    ])()
  }

  async end(): Promise<FuzzReport> {
    await Promise.race([Promise.all(this.#open), sleep(patience)])
    const marks = new Set(text(this.#speaker.heard).match(mark))
    return { asked: this.#open.length, answered: this.#answered, marks: [...marks] }
  }

  #ask(): void {
    const draw = this.#draw
    const name = draw.from(this.#questions.names)
    const whole = this.#questions.of(name)
    const ask = draw.oneIn(5) ? draw.broken(whole) : whole
    const by = draw.oneIn(5) ? this.#questions.pid() : self.pid
    if (!isPid(by)) return
    const note = (answer: unknown) => {
      this.#answered.push({
        name,
        own: by === self.pid,
        ask: text(ask).slice(0, longest),
        answer: text(answer).slice(0, longest),
      })
    }
    this.#open.push(requested(name, ask, by).then(note, () => undefined))
  }

  /** To the thread of an honest process, or of the program. */
  #send(change: (signal: object) => unknown): void {
    const near = this.#draw.from([...this.#honest, '<0.0>'])
    if (!isPid(near)) return
    try {
      this.#speaker.toPeer(threadOf(near), [change(signal(this.#draw, near, self.pid))])
    } catch {
      // The value cannot be encoded.
    }
  }

  #say(message: unknown): void {
    try {
      tell(message)
    } catch {
      // The value cannot be posted.
    }
  }
}

/** Sends a request that the types would not allow. */
async function requested(name: string, ask: unknown, by: Pid): Promise<unknown> {
  const { kernel } = currentRuntime()
  const request: unknown = Reflect.get(kernel, 'request')
  return typeof request === 'function' ? Reflect.apply(request, kernel, [name, ask, by]) : undefined
}

/**
 * An honest process: replies with what it received, reports what is unexpected, and holds the reply to `wait` until
 * `go`.
 */
export async function honest(): Promise<void> {
  const strange: string[] = []
  const waiting: { reply: (value: unknown) => void }[] = []
  for await (const message of self.inbox) {
    const { topic, payload, frame } = message
    if (topic === 'echo') message.reply(payload)
    else if (topic === 'wait') waiting.push(message)
    else if (topic === 'go') for (const held of waiting.splice(0)) held.reply(payload)
    else if (topic === 'strange') message.reply(strange)
    else strange.push(`${topic} of ${frame.actor?.id}`)
  }
}

/** Starts another process that it is linked to, joins a group with it, and is honest. */
export async function linked(host: string): Promise<void> {
  const other = await processes.spawnLinked('app:honest', host)
  await processes.groups.join('team')
  await processes.groups.join('team', other)
  await honest()
}

/** Reports that it ran. */
export const bank = () => {
  log.info({}, 'the money')
  return 'the money'
}
