import { describe, expect, it } from 'vitest'
import { isPid, type Pid, reach, serialOf, threadOf } from './id.ts'
import { forgetPlace, isRemote, pidsFrom, placeOf, placeOfThread, unreached } from './remote-pid.ts'

const names = { sender: 'a~2', own: 'b~3f' }

function pidOf(text: string): Pid {
  if (isPid(text)) return text
  throw new Error(`${text} is no pid`)
}

describe('a pid of another node', () => {
  it('names its node, the incarnation and its place there', () => {
    const far = pidOf('<web-1~3f|8.25>')
    expect([isRemote(far), placeOf(far), serialOf(far)]).toEqual([true, 'web-1~3f|8', 25])
    for (const text of ['<Web~3f|8.25>', '<web~03|8.25>', '<web~|8.25>', '<web|8.25>', '<a~1|b~1|8.25>', '<~1|8.25>'])
      expect(isPid(text)).toBe(false)
  })

  it('has the number of a thread only while its place is reached, and never that of a thread here', () => {
    const [far, other] = [pidOf('<3~3f|8.25>'), pidOf('<3~40|8.25>')]
    expect(threadOf(far)).toBe(unreached)
    const number = reach(far)
    expect(number).toBeLessThan(unreached)
    expect([threadOf(far), threadOf(other), placeOfThread(number)]).toEqual([number, unreached, '3~3f|8'])
    forgetPlace(number)
    expect([threadOf(far), placeOfThread(number)]).toEqual([unreached, undefined])
    expect(reach(far)).not.toBe(number)
    expect(reach(pidOf('<8.25>'))).toBe(8)
  })
})

describe('the pids in a message of another node', () => {
  it('become what this node writes, at any depth', () => {
    const value = {
      from: '<5.2>',
      deep: [{ own: '<b~3f|8.25>', third: '<c~4|1.1>' }],
      map: new Map([['<5.3>', '<5.4>']]),
      set: new Set(['<5.5>']),
      text: 'about <5.2>',
      bytes: Uint8Array.of(1),
      '<5.6>': 0,
    }
    expect(pidsFrom(value, names)).toEqual({
      from: '<a~2|5.2>',
      deep: [{ own: '<8.25>', third: '<c~4|1.1>' }],
      map: new Map([['<a~2|5.3>', '<a~2|5.4>']]),
      set: new Set(['<a~2|5.5>']),
      text: 'about <5.2>',
      bytes: Uint8Array.of(1),
      '<5.6>': 0,
    })
    expect(pidsFrom('<5.2>', names)).toBe('<a~2|5.2>')
  })

  it('are not those of another node or incarnation that resemble its own', () => {
    const others = ['<b~3|8.25>', '<b~3f1|8.25>', '<bb~3f|8.25>']
    expect(pidsFrom([...others], names)).toEqual(others)
  })

  it('are found in values that refer to themselves', () => {
    const value: { self?: unknown; pid: string } = { pid: '<5.2>' }
    value.self = value
    expect(pidsFrom(value, names)).toBe(value)
    expect(value.pid).toBe('<a~2|5.2>')
  })
})
