import { emptyFrame, pid } from '@troupe/core'
import { expect, it } from 'vitest'
import { Participant } from './participant.ts'
import { isRecording, record, recordedCount, recordedFlows, recordSent } from './recording.ts'

it('records the messages of one application of several in a thread', () => {
  const root = new Participant(pid(0, 0), emptyFrame)
  const [one, other] = [
    { isStrict: false, root },
    { isStrict: false, root },
  ]
  record(one, { pid: undefined, limit: 10, milliseconds: 60_000 })
  record(other, { pid: undefined, limit: 10, milliseconds: 60_000 })
  const [from, to] = [pid(0, 1), pid(0, 2)]
  recordSent({ pid: from, runtime: one }, { to, topic: 'secret', frame: { trace: undefined } }, 0, 1)
  expect(recordedFlows(one)).toHaveLength(1)
  expect(recordedFlows(other)).toEqual([])
  record(other, { pid: undefined, limit: 0, milliseconds: 0 })
  expect([isRecording(), recordedFlows(one)]).toEqual([true, [[from, '', to, 1, 1]]])
  record(one, { pid: undefined, limit: 0, milliseconds: 0 })
  expect([isRecording(), recordedCount(one)]).toEqual([false, 0])
})
