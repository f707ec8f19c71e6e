/**
 * Batches between threads: invented frames and values are read, or rejected with a TroupeError. Everything that is sent
 * in order arrives complete.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  emptyFrame,
  errorFromWire,
  errorToWire,
  fork,
  FrameDecoder,
  FrameEncoder,
  TroupeError,
  valueFromWire,
  valueToWire,
} from '@troupe/core'
import { faultInBatch } from '../../packages/process/src/protocol/signal-rules.ts'
import { faultIn } from '../../packages/process/src/protocol/request-rules.ts'
import { knownRequests } from '../../packages/troupe/src/testing/hostile/known-requests.ts'
import { textTarget } from './lib/inputs.ts'

/** Plain data derived from text: JSON where the text is JSON. */
function dataOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const target = textTarget({
  pieces: [
    '{',
    '}',
    '[',
    ']',
    ',',
    '"a":',
    '"number":',
    '"frame":',
    '"kind":',
    '"message":',
    '"cause":',
    '"details":',
    '"stack":',
    '"__proto__":',
    '"overlay":',
    '0',
    '-1',
    '1e9',
    'null',
    '"x"',
    'true',
    '{"number":0,"frame":{}}',
    '{"kind":"Invalid","message":"m"}',
    '{"op":"send","to":"<1.1>","from":"<2.1>","topic":"t","payloads":[1],"call":0,"claim":"open","frame":',
    '{"type":"request","number":1,"by":"<2.1>","name":"lookup","ask":',
    '[]',
    '{}',
  ],
  check: (input) => {
    const data = dataOf(input)
    // Every posted value is inspected without an error.
    faultInBatch(data)
    faultIn(data, knownRequests)
    const round = valueFromWire(structuredClone(valueToWire(data)))
    if (!isDeepStrictEqual(round, data)) throw new Error(`${JSON.stringify(data)} comes as ${JSON.stringify(round)}`)
    const [encoder, decoder] = [new FrameEncoder(), new FrameDecoder()]
    const frame = fork(emptyFrame, { values: { data } })
    for (let i = 0; i < 2; i += 1) {
      const read = decoder.decode(structuredClone(encoder.encode(frame)))
      if (!isDeepStrictEqual(read?.values['data'], data)) throw new Error('a frame has changed on its way')
    }
    // Messages and details that are too long are cut.
    const words = input.slice(0, 500)
    const small = dataOf(words)
    const error = errorFromWire(
      structuredClone(errorToWire(new TroupeError('Conflict', words, { details: { data: small } }))),
    )
    if (!isDeepStrictEqual([error.message, error.kind, error.details['data']], [words, 'Conflict', small]))
      throw new Error('an error has changed')
  },
})

export default target.fuzz
export const { replay } = target
