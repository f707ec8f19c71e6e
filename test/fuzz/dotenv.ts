/**
 * Files of variables: a value that is set is read back unchanged, and the others keep theirs, whatever the file
 * contained.
 */
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { TroupeError } from '@troupe/core'
import { readDotenv, writeDotenv } from '../../packages/registry/src/env/dotenv.ts'
import { textTarget } from './lib/inputs.ts'

const target = textTarget({
  pieces: [
    'A',
    'B',
    '=',
    '\n',
    '\r\n',
    ' ',
    'export ',
    '#',
    '"',
    "'",
    '`',
    '\\n',
    '\\',
    '$A',
    '${A}',
    'A=1\n',
    'B="two"\n',
    "C='x\ny'\n",
    '.',
    '-',
    '__proto__=1\n',
    'é',
    '\0',
    '|',
  ],
  check: (input) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-fuzz-'))
    const file = join(folder.path, '.env')
    const [text = '', value = ''] = input.split('|')
    writeFileSync(file, text)
    try {
      const wanted = new Map(readDotenv(file)).set('B', value)
      writeDotenv(file, 'B', value)
      const found = readDotenv(file)
      if (!isDeepStrictEqual(new Map(found), wanted)) throw new Error(`read back: ${JSON.stringify([...found])}`)
    } catch (error) {
      if (!(error instanceof TroupeError && error.kind === 'Invalid')) throw error
    }
  },
})
export default target.fuzz
export const { replay } = target
