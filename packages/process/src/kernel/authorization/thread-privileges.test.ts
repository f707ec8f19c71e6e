import { emptyFrame, entryId, fork, type Frame, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { Privileges } from '../../protocol/kernel-thread.ts'
import { ThreadPrivileges } from './thread-privileges.ts'

const proxy = entryId('net:proxy')
const policyEnforced = fork(emptyFrame, { overlay: proxy, actor: { id: 'ann', meta: {} }, scope: [] })

function privileges() {
  const changes: [number, Privileges][] = []
  const books = new ThreadPrivileges({
    governs: (frame) => frame.actor !== undefined,
    onChange: (thread, privileges) => changes.push([thread, privileges]),
  })
  let serial = 0
  const place = (thread: number, frame: Frame) => {
    serial += 1
    books.placed({ pid: pid(thread, serial), entry: undefined, frame, host: undefined, onExit: undefined })
  }
  return { books, changes, place }
}

describe('the privileges of a thread', () => {
  it('are those of all code that ever ran in it', () => {
    const { books, changes, place } = privileges()
    expect(books.of(1)).toEqual({ policyEnforced: true })
    place(1, policyEnforced)
    expect(books.of(1)).toEqual({ policyEnforced: true })
    place(1, emptyFrame)
    place(1, policyEnforced)
    expect(books.of(1)).toEqual({ policyEnforced: false })
    expect(changes).toEqual([[1, { policyEnforced: false }]])
  })

  it('include permissions until the policies change or the target ends', () => {
    const { books, place } = privileges()
    const [one, two] = [pid(5, 1), pid(5, 2)]
    place(1, policyEnforced)
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
    books.forgetPermissions()
    expect(may()).toEqual([false, false, false, false])
    books.threadGone(2)
    expect(books.may(2, 'process.link', one)).toBe(false)
  })
})
