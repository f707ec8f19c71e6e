/** Replies of a SAM bridge, such as `HELLO REPLY RESULT=OK VERSION=3.1`. */

export interface Reply {
  /** The first two words. */
  readonly topic: string
  /** `OK`, or the error; empty where the reply has no result. */
  readonly result: string
  /** The words `key=value`. A value may contain `=`, and blanks where it is quoted. */
  readonly values: ReadonlyMap<string, string>
}

/** Longer than any line of SAM: a peer that sends more without an end of line is no SAM bridge. */
export const longestLine = 16_384

const topic = /^(?<topic>[A-Z]+ [A-Z]+)(?: |$)/
const pair = /(?<=\s)(?<key>\w+)=(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[^\s"]\S*)?)(?=\s|$)/gu

/** Parses a line; `undefined` for a line that is not SAM. */
export function parseReply(line: string): Reply | undefined {
  const found = topic.exec(line)?.groups?.['topic']
  if (found === undefined) return undefined
  const values = new Map<string, string>()
  for (const { groups = {} } of line.slice(found.length).matchAll(pair)) {
    const { key = '', quoted, plain = '' } = groups
    values.set(key, quoted === undefined ? plain : quoted.replaceAll(/\\(.)/gu, '$1'))
  }
  return { topic: found, result: values.get('RESULT') ?? '', values }
}

/** The meaning of a result. */
export interface Explanation {
  readonly words: string
  /** Whether the result concerns the target, not the session or the router. */
  readonly ofTarget: boolean
  /** The nearest error code of the operating system. */
  readonly code: string
}

const results = new Map<string, Explanation>(
  Object.entries({
    CANT_REACH_PEER: { words: 'no way to the destination was found', ofTarget: true, code: 'EHOSTUNREACH' },
    PEER_NOT_FOUND: { words: 'the destination was not found', ofTarget: true, code: 'EHOSTUNREACH' },
    LEASESET_NOT_FOUND: { words: 'no lease set of the destination was found', ofTarget: true, code: 'EHOSTUNREACH' },
    INVALID_KEY: { words: 'the router knows no such name or destination', ofTarget: true, code: 'EHOSTUNREACH' },
    KEY_NOT_FOUND: { words: 'the router knows no such name', ofTarget: true, code: 'EHOSTUNREACH' },
    TIMEOUT: { words: 'the destination did not answer in time', ofTarget: true, code: 'ETIMEDOUT' },
    INVALID_ID: { words: 'the router does not know our session', ofTarget: false, code: 'ECONNRESET' },
    DUPLICATED_ID: { words: 'a session of that id is there already', ofTarget: false, code: 'EADDRINUSE' },
    DUPLICATED_DEST: { words: 'another session has the same key', ofTarget: false, code: 'EADDRINUSE' },
    ALREADY_ACCEPTING: {
      words: 'the connections of that session are accepted elsewhere',
      ofTarget: false,
      code: 'EADDRINUSE',
    },
    NOVERSION: { words: 'the bridge speaks another version of SAM', ofTarget: false, code: 'EPROTONOSUPPORT' },
    I2P_ERROR: { words: 'the router failed', ofTarget: false, code: 'ECONNRESET' },
  }),
)

/** Returns the explanation of a result. */
export function explain(result: string): Explanation {
  return results.get(result) ?? { words: 'a result that SAM does not name', ofTarget: false, code: 'ECONNRESET' }
}
