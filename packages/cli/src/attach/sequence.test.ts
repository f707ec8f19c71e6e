import { expect, it } from 'vitest'
import type { MessageRecording } from 'troupe/app'
import { mermaid, sequenceText } from './sequence.ts'

const message = (from: string, to: string, topic: string, kind: 'send' | 'call' = 'send', time = 0) => ({
  time: 1000 + time,
  direction: 'in' as const,
  kind,
  from,
  to,
  topic,
  bytes: 12,
  trace: '',
})

const recording: MessageRecording = {
  pid: '<2.1>',
  messages: [
    message('<0.0>', '<2.1>', 'ask', 'call'),
    message('<2.1>', '<3.1>', 'go', 'send', 20),
    message('<3.1>', '<0.0>', 'x'.repeat(90), 'send', 1500),
    message('<2.1>', '<2.1>', 'tick', 'send', 1600),
  ],
  entries: { '<2.1>': 'app:worker' },
}

it('text has a column for each process', () => {
  expect(sequenceText(recording, 80).split('\n')).toEqual([
    '           <2.1>                 <0.0>                 <3.1>',
    '           app:worker',
    '  0.000 s  |<===== ask 12 B =====|                     |',
    '  0.020 s  |---------------- go 12 B ----------------->|',
    `  1.500 s  |                     |< ${'x'.repeat(16)}… -|`,
    '  1.600 s  | tick 12 B (itself)',
  ])
})

it('text is no wider than the screen: the other processes share a column', () => {
  const many = { ...recording, messages: Array.from({ length: 9 }, (_, n) => message('<2.1>', `<9.${n}>`, 'go')) }
  const lines = sequenceText(many, 60).split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  expect(lines[0]).toContain('others')
})

it('names from code make no statement of Mermaid', () => {
  const forged = { ...recording, messages: [message('<0.0>', '<2.1>', 'a\n  p0->>p1: b; end #')] }
  expect(mermaid(forged).split('\n')).toEqual([
    'sequenceDiagram',
    '  participant p0 as #60;2.1#62; app:worker',
    '  participant p1 as #60;0.0#62;',
    '  p1-)p0: a#10;  p0-#62;#62;p1: b#59; end #35; (12 B)',
  ])
})
