/**
 * Messages of threads to the kernel and to each other are validated, whatever they contain: quickly, without an error,
 * and well-formed ones are accepted.
 */
import { BadInput, type Runs } from './lib/inputs.ts'
import { Draw } from '../../packages/troupe/src/testing/hostile/draw.ts'
import { lie, note, signal } from '../../packages/troupe/src/testing/hostile/notes.ts'
import { Questions } from '../../packages/troupe/src/testing/hostile/questions.ts'
import { faultInBatch } from '../../packages/process/src/protocol/signal-rules.ts'
import { faultIn as faultInKnown } from '../../packages/process/src/protocol/request-rules.ts'
import { knownRequests, requestRules } from '../../packages/troupe/src/testing/hostile/known-requests.ts'

const around = {
  own: '<3.1>',
  pids: ['<1.1>', '<2.1>'],
  entries: ['app:a', 'app:proxy'],
  hosts: ['app:host'],
  names: ['honest'],
}
/** The maximum milliseconds for one validation, also on a slow machine. */
const longest = 2000
/** An explicit marker for messages without a rule. */
const unknown = /unknown type/

const faultIn = (message: unknown) => faultInKnown(message, knownRequests)

/** Runs one seed. @throws an error for a rule that is violated. */
function check(seed: number): void {
  const draw = new Draw(seed, true)
  const questions = new Questions(draw, around)
  const name = draw.from(questions.names)
  const ask = questions.of(name)
  const request = { type: 'request', number: 1, by: around.own, name, ask }
  taken(faultIn(structuredClone(request)) ?? requestRules[name].ask(structuredClone(ask)), name)
  const said = note(draw, questions)
  taken(faultIn(structuredClone(said)), JSON.stringify(said))
  const sent = signal(draw, '<1.1>', around.own)
  taken(faultInBatch(structuredClone([sent])), JSON.stringify(sent))
  // All of these are validated, whatever they are.
  const lied = faultIn(structuredClone(lie(draw, questions)))
  if (lied !== undefined && !unknown.test(lied)) throw new Error(lied)
  for (const message of [request, said, ask]) judged(faultIn, draw.broken(message))
  judged(faultIn, draw.junk())
  for (const batch of [[draw.broken(sent)], [sent, draw.junk()], draw.junk()]) judged(faultInBatch, batch)
}

function taken(wrong: string | undefined, what: string): void {
  if (wrong !== undefined) throw new Error(`${what} is well formed, and refused: ${wrong}`)
}

function judged(judge: (value: unknown) => string | undefined, value: unknown): void {
  const posted = carried(value)
  const start = performance.now()
  const verdict = judge(posted)
  const took = performance.now() - start
  if (verdict !== undefined && typeof verdict !== 'string')
    throw new Error(`a judgement is no text: ${String(verdict)}`)
  if (took > longest) throw new Error(`a judgement took ${Math.round(took)} ms`)
}

/**
 * Copies a value as a message from another thread; `undefined` when it cannot be posted, such as when it is nested too
 * deep.
 */
function carried(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return undefined
  }
}

export async function replay(input: string): Promise<void> {
  try {
    check(Number(input))
  } catch (error) {
    throw new BadInput(input, error)
  }
}

export default async function fuzz(seconds: number, seed: number): Promise<Runs> {
  const end = performance.now() + seconds * 1000
  let runs = 0
  for (; performance.now() < end; runs += 1) await replay(String(seed + runs))
  return { runs }
}
