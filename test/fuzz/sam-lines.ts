/** Lines of a SAM bridge: each is parsed or rejected, in bounded time, and the parsed parts occur in the line. */
import { longestLine, parseReply } from '../../packages/network/src/drivers/i2p/reply.ts'
import { textTarget } from './lib/inputs.ts'

const target = textTarget({
  pieces: [
    'STREAM STATUS',
    'HELLO REPLY',
    'SESSION STATUS ',
    ' ',
    'RESULT=',
    'OK',
    'MESSAGE=',
    '"',
    '\\',
    '\\"',
    '=',
    'A=',
    ' A="',
    '\t',
    '\r',
    '\u00ff',
    'é',
    'DESTINATION=AB~-==',
  ],
  check: (input) => {
    const line = input.slice(0, longestLine)
    const reply = parseReply(line)
    if (reply === undefined) return
    if (!line.startsWith(reply.topic)) throw new Error('the topic is not what the line begins with')
    for (const [key, value] of reply.values) {
      if (!line.includes(`${key}=`)) throw new Error(`${key} is not in the line`)
      if (value.length > line.length) throw new Error(`${key} is longer than the line`)
    }
  },
})
export default target.fuzz
export const { replay } = target
