/** Recorded messages as a sequence diagram: text for a terminal, or the language of Mermaid. */
import { escapedLines, type MessageRecording } from 'troupe/app'
import { cutTo, fitTo, textWidth } from '../text-width.ts'

type Message = MessageRecording['messages'][number]

/** Characters for the time before each line, and for each participant. */
const timeWidth = 11
const columnWidth = 22
const defaultColumns = 80

/** The participants, in the order in which they appear. */
function participantsOf({ pid, messages }: MessageRecording): readonly string[] {
  return [...new Set([pid, ...messages.flatMap(({ from, to }) => [from, to])])]
}

/**
 * A column for each process, and an arrow for each message. Processes for which the screen is too narrow share the last
 * column.
 */
export function sequenceText(recording: MessageRecording, columns = defaultColumns): string {
  const all = participantsOf(recording)
  const room = Math.max(2, Math.floor((columns - timeWidth) / columnWidth))
  const shown = all.length <= room ? all : [...all.slice(0, room - 1), 'others']
  const at = (pid: string) => {
    const index = shown.indexOf(pid)
    return index === -1 ? shown.length - 1 : index
  }
  const cellsOf = (names: readonly string[]) => {
    const cells = names.map((name) => `${fitTo(name, columnWidth - 1)} `)
    return `${' '.repeat(timeWidth)}${cells.join('')}`.trimEnd()
  }
  const head = [cellsOf(shown), cellsOf(shown.map((pid) => recording.entries[pid] ?? ''))]
  const first = recording.messages[0]?.time ?? 0
  const lines = recording.messages.map((message) => {
    const time = `${((message.time - first) / 1000).toFixed(3)} s`.padStart(timeWidth - 2)
    return `${time}  ${arrow(message, at(message.from), at(message.to), shown.length)}`.trimEnd()
  })
  return [...head, ...lines].join('\n')
}

/** `|--- ask 12 B --->|`; the lines of the other processes continue. A call has a double line. */
function arrow({ topic, bytes, kind }: Message, from: number, to: number, count: number): string {
  const [left, right] = [Math.min(from, to), Math.max(from, to)]
  // Before its width is measured.
  const shown = escapedLines(topic.replaceAll(/[\n\r]/g, '\\n'))
  const text = ` ${shown} ${bytes} B `
  const cells = Array.from({ length: count }, () => '|'.padEnd(columnWidth))
  if (left === right) return `${cells.slice(0, left).join('')}|${text}(itself)`
  const width = (right - left) * columnWidth - 1
  const line = kind === 'call' ? '=' : '-'
  const label = textWidth(text) > width - 2 ? `${cutTo(text, width - 4)}… ` : text
  const dashes = width - 1 - textWidth(label)
  const before = line.repeat(Math.floor(dashes / 2))
  const after = line.repeat(dashes - before.length)
  const body = from < to ? `${before}${label}${after}>` : `<${before}${label}${after}`
  return `${cells.slice(0, left).join('')}|${body}${cells.slice(right).join('')}`
}

/** A sequence diagram in the language of Mermaid. */
export function mermaid(recording: MessageRecording): string {
  const all = participantsOf(recording)
  const named = all.map((pid, index) => `  participant p${index} as ${escaped(labelOf(recording, pid))}`)
  const lines = recording.messages.map(({ from, to, kind, topic, bytes }) => {
    const way = kind === 'call' ? '->>' : '-)'
    return `  p${all.indexOf(from)}${way}p${all.indexOf(to)}: ${escaped(topic)} (${bytes} B)`
  })
  return ['sequenceDiagram', ...named, ...lines].join('\n')
}

function labelOf({ entries }: MessageRecording, pid: string): string {
  const entry = entries[pid]
  return entry === undefined ? pid : `${pid} ${entry}`
}

/** All but letters, digits and a few marks, by their numbers: topics come from code, and must not begin a statement. */
function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} ._:/-]/gu, (mark) => `#${mark.codePointAt(0)};`)
}
