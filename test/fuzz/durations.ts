/** Durations: a parsed duration is finite, and has the same value after it was formatted and parsed again. */
import { formatDuration, parseDuration, TroupeError } from '@troupe/core'
import { textTarget } from './lib/inputs.ts'

const target = textTarget({
  pieces: [
    '0',
    '1',
    '9',
    '.',
    '-',
    '+',
    'h',
    'm',
    's',
    'ms',
    'us',
    'µs',
    'μs',
    'ns',
    '1h',
    '1m',
    '.5s',
    '1e3',
    ' ',
    '99999999999999999999',
    '0.0000000001s',
  ],
  maxPieces: 10,
  check: (input) => {
    let ms: number
    try {
      ms = parseDuration(input)
    } catch (error) {
      if (error instanceof TroupeError && error.kind === 'Invalid') return
      throw error
    }
    if (!Number.isFinite(ms)) throw new Error(`it is ${ms}`)
    const written = formatDuration(ms)
    const again = parseDuration(written)
    // Nanoseconds are the smallest unit that is written, and numbers of 53 bits keep no more digits of a long duration.
    if (Math.abs(again - ms) > Math.max(1e-6, Math.abs(ms) * 1e-12))
      throw new Error(`${ms} is written ${written}, which is ${again}`)
  },
})
export default target.fuzz
export const { replay } = target
