import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { Thread } from '../../worker-threads/thread.ts'
import { faultIn } from '../../protocol/request-rules.ts'
import { Inspector } from './inspector.ts'

function scene() {
  const { port1, port2 } = new MessageChannel()
  port2.unref()
  const thread = new Thread(3, port1)
  const inspector = new Inspector()
  return { thread, inspector, close: () => port1.close() }
}

const row = (pid: string, parent: string) => [pid, parent, 'app:x', 'running', 1, 2, 0, 5]

describe('what a thread reports of itself', () => {
  it('has one row for each of its own processes', async () => {
    const { thread, inspector, close } = scene()
    const asked = inspector.processes(thread, 10)
    const cells = [
      row('<3.1>', ''),
      row('<3.1>', '<3.1>'),
      row('<4.1>', ''),
      row('nonsense', ''),
      row('<3.2>', '<3.1>'),
    ]
    inspector.onInspected(thread, 1, cells.flat(), true)
    expect((await asked)?.map(({ pid, parent }) => [pid, parent])).toEqual([
      ['<3.1>', ''],
      ['<3.2>', '<3.1>'],
    ])
    close()
  })

  it('is dropped when it is more than it was asked for, or comes from another thread', async () => {
    const { thread, inspector, close } = scene()
    const asked = inspector.processes(thread, 1)
    inspector.onInspected(new Thread(4, new MessageChannel().port1), 1, row('<3.1>', ''), true)
    inspector.onInspected(thread, 1, [...row('<3.1>', ''), ...row('<3.2>', '')], false)
    expect(await asked).toBeUndefined()
    close()
  })

  it('counts the messages of its own processes alone', async () => {
    const { thread, inspector, close } = scene()
    const asked = inspector.flows(thread, 10)
    const cells = [
      ['<3.1>', 'app:x', '<4.1>', 2, 10],
      ['<4.1>', 'app:y', '<3.1>', 5, 10],
      ['nonsense', '', '', -1, 0],
    ]
    inspector.onInspected(thread, 1, cells.flat(), true)
    expect(await asked).toEqual([{ from: '<3.1>', entry: 'app:x', to: '<4.1>', messages: 2, bytes: 10 }])
    close()
  })

  it('is short, or breaks the protocol', () => {
    const message = (cell: string) => ({ type: 'inspected', number: 1, cells: [cell], isLast: true })
    expect(faultIn(message('x'.repeat(1024)), new Map())).toBeUndefined()
    expect(faultIn(message('x'.repeat(1025)), new Map())).toContain('"inspected"')
  })
})
