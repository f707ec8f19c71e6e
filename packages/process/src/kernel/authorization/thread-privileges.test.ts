import { emptyFrame, entryId, fork, type Frame, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { Standing } from '../../protocol/kernel-thread.ts'
import { Standings } from './thread-privileges.ts'

const proxy = entryId('net:proxy')
const governed = fork(emptyFrame, { overlay: proxy, actor: { id: 'ann', meta: {} }, scope: [] })

function standings() {
  const changes: [number, Standing][] = []
  const books = new Standings({
    governs: (frame) => frame.actor !== undefined,
    onChange: (thread, standing) => changes.push([thread, standing]),
  })
  let serial = 0
  const place = (thread: number, frame: Frame) => {
    serial += 1
    books.placed({ pid: pid(thread, serial), entry: undefined, frame, host: undefined, onExit: undefined })
  }
  return { books, changes, place }
}

describe('the standing of a thread', () => {
  it('is that of all code that ever was in it', () => {
    const { books, changes, place } = standings()
    expect(books.of(1)).toEqual({ governed: true })
    place(1, governed)
    expect(books.of(1)).toEqual({ governed: true })
    place(1, emptyFrame)
    place(1, governed)
    expect(books.of(1)).toEqual({ governed: false })
    expect(changes).toEqual([[1, { governed: false }]])
  })

  it('holds what was permitted, until the policies change or the target ends', () => {
    const { books, place } = standings()
    const [one, two] = [pid(5, 1), pid(5, 2)]
    place(1, governed)
    place(2, emptyFrame)
    books.permitted(1, 'process.send', one)
    books.permitted(1, 'process.send', two)
    const may = () => [
      books.may(1, 'process.send', one),
      books.may(1, 'process.send', two),
      books.may(1, 'process.link', one),
      books.may(3, 'process.send', one),
    ]
    expect(may()).toEqual([true, true, false, false])
    expect(books.may(2, 'process.link', one)).toBe(true)
    books.ended(one)
    expect(may()).toEqual([false, true, false, false])
    books.forgetPermits()
    expect(may()).toEqual([false, false, false, false])
    books.threadGone(2)
    expect(books.may(2, 'process.link', one)).toBe(false)
  })
})
