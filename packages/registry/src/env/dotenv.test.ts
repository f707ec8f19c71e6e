import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDotenv, writeDotenv } from './dotenv.ts'
import { appFolder } from '../testing/app-folder.ts'

describe('writeDotenv', () => {
  it('replaces one line and keeps the rest, comments included', () => {
    using folder = appFolder({ '.env': '# keys\nA=1\nexport B = "two" # old\nC=3\n' })
    writeDotenv(folder.file('.env'), 'B', 'new value')
    writeDotenv(folder.file('.env'), 'D', "it's")
    expect(readFileSync(folder.file('.env'), 'utf8')).toBe("# keys\nA=1\nB='new value'\nC=3\nD=`it's`\n")
  })

  it('replaces a value of several lines', () => {
    using folder = appFolder({ '.env': 'A="one\ntwo"\nB=2\n' })
    writeDotenv(folder.file('.env'), 'A', 'x')
    expect(Object.fromEntries(readDotenv(folder.file('.env')))).toEqual({ A: 'x', B: '2' })
  })

  it('writes a file that only its owner can read, and no other', () => {
    using folder = appFolder({ 'open.env': 'A=1\n' })
    writeDotenv(folder.file('open.env'), 'A', '2')
    writeDotenv(folder.file('new/deep.env'), 'A', '2')
    expect(statSync(folder.file('open.env')).mode & 0o777).toBe(0o600)
    expect(statSync(folder.file('new/deep.env')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder.path)).toEqual(['new', 'open.env'])
  })

  it('writes through a link', () => {
    using folder = appFolder({ 'real.env': 'A=1\n' })
    symlinkSync(folder.file('real.env'), folder.file('.env'))
    writeDotenv(folder.file('.env'), 'A', '2')
    expect(readDotenv(folder.file('real.env')).get('A')).toBe('2')
  })

  it('restores any accepted value, beside any text, and refuses the others', () => {
    using folder = appFolder({})
    const file = folder.file('.env')
    const piece = fc.constantFrom('A', 'B', '=', '"', "'", '`', '\n', ' ', '#', '\\', '\\n', '\r', '$', 'x')
    const text = fc.array(piece).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, fc.oneof(text, fc.string({ unit: 'binary' })), (before, value) => {
        writeFileSync(file, before)
        const others = new Map(readDotenv(file))
        others.delete('A')
        try {
          writeDotenv(file, 'A', value)
        } catch (error) {
          expect(error).toMatchObject({ kind: 'Invalid' })
          expect(readFileSync(file, 'utf8')).toBe(before)
          return
        }
        const after = new Map(readDotenv(file))
        expect(after.get('A')).toBe(value)
        after.delete('A')
        expect(after).toEqual(others)
      }),
    )
  })
})
