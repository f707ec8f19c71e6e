/** Batches between threads: frames and values that a thread made up are read, or refused as a TroupeError, and what it sends in order comes whole. */
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
import { textTarget } from './lib/inputs.ts'

/** Any plain data, read out of text: JSON where it is some. */
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
    '[]',
    '{}',
  ],
  check: (input) => {
    const data = dataOf(input)
    const round = valueFromWire(structuredClone(valueToWire(data)))
    if (!isDeepStrictEqual(round, data)) throw new Error(`${JSON.stringify(data)} comes as ${JSON.stringify(round)}`)
    const [encoder, decoder] = [new FrameEncoder(), new FrameDecoder()]
    const frame = fork(emptyFrame, { values: { data } })
    for (let i = 0; i < 2; i += 1) {
      const read = decoder.decode(structuredClone(encoder.encode(frame)))
      if (!isDeepStrictEqual(read?.values['data'], data)) throw new Error('a frame has changed on its way')
    }
    const error = errorFromWire(structuredClone(errorToWire(new TroupeError('Conflict', input, { details: { data } }))))
    if (!isDeepStrictEqual([error.message, error.kind, error.details['data']], [input, 'Conflict', data]))
      throw new Error('an error has changed')
  },
})

export default target.fuzz
export const { replay } = target
