/**
 * Parses YAML text into trees with positions. They are built from the parser's events, which carry offsets. YAML 1.2
 * core schema: no merge keys, no explicit tags. Aliases are allowed while their expansion stays small.
 */
import {
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml'
import type { SourcePosition } from './source-position.ts'
import type { Diagnostic } from '../schema/diagnostic.ts'
import { readUtf8, readUtf8Now, type TextFile } from './utf8.ts'
import type { YamlNode, YamlPair } from './node.ts'

/** The maximum number of values in one document; an alias counts each time that it is used. */
const maxNodes = 100_000
const maxDepth = 64

export interface ParsedYaml {
  /** One tree for each document that is not empty. */
  readonly documents: readonly YamlNode[]
  readonly problems: readonly Diagnostic[]
}

/** Parses a file. @throws TroupeError `NotFound` when it cannot be read. */
export async function readYaml(file: string): Promise<ParsedYaml> {
  return parsedText(await readUtf8(file), file)
}

/** Like {@link readYaml}, but synchronous. */
export function readYamlNow(file: string): ParsedYaml {
  return parsedText(readUtf8Now(file), file)
}

function parsedText({ text, fault }: TextFile, file: string): ParsedYaml {
  return fault === undefined ? parseYaml(text, file) : { documents: [], problems: [{ code: 'yaml', ...fault }] }
}

/** Parses `text`. Never throws because of the text's contents: it reports each problem with its position. */
export function parseYaml(text: string, file: string): ParsedYaml {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text
  const reader = new Reader(source, file)
  try {
    reader.read(parseEvents(source, { filename: file, maxDepth }))
  } catch (error) {
    reader.failed(error)
  }
  return { documents: reader.documents, problems: reader.problems }
}

/** Returns the value of one YAML scalar or flow collection, such as the text after `=` on a command line. */
export function parseYamlValue(text: string, place: SourcePosition): YamlNode | Diagnostic {
  const { documents, problems } = parseYaml(text, place.file)
  const problem = problems[0]
  if (problem) return { code: problem.code, message: `${problem.message}; quote the value`, place }
  const [node] = documents
  return node ? moved(node, place) : { type: 'scalar', place, value: text.trim() === '' ? '' : null }
}

function moved(node: YamlNode, place: SourcePosition): YamlNode {
  if (node.type === 'scalar') return { ...node, place }
  if (node.type === 'sequence') return { ...node, place, items: node.items.map((item) => moved(item, place)) }
  return {
    ...node,
    place,
    pairs: new Map(Array.from(node.pairs, ([key, pair]) => [key, { key: place, node: moved(pair.node, place) }])),
  }
}

class Reader {
  readonly documents: YamlNode[] = []
  readonly problems: Diagnostic[] = []
  readonly #source: string
  readonly #file: string
  readonly #lineStarts: number[] = [0]
  #events: readonly Event[] = []
  #next = 0
  #nodes = 0
  #anchors = new Map<string, { readonly node: YamlNode; readonly nodes: number }>()

  constructor(source: string, file: string) {
    this.#source = source
    this.#file = file
    for (const match of source.matchAll(/\r\n|\r|\n/g)) this.#lineStarts.push(match.index + match[0].length)
  }

  read(events: readonly Event[]): void {
    this.#events = events
    while (this.#next < events.length) {
      const event = events[this.#next++]
      if (event?.type !== EVENT_ID.DOCUMENT) continue
      this.#nodes = 0
      this.#anchors = new Map()
      const first = events[this.#next]
      if (first === undefined || first.type === EVENT_ID.POP) continue
      const node = this.#node(this.#place(0))
      if (node.type !== 'scalar' || node.value !== null) this.documents.push(node)
    }
  }

  failed(error: unknown): void {
    if (error instanceof TooLarge) return
    if (!(error instanceof YAMLException)) throw error
    const place = this.#place(error.mark?.position ?? 0)
    this.problems.push({ code: 'yaml', message: `this is not YAML: ${error.reason}`, place })
  }

  /** The node that the next event begins. `fallback` is the position of a node without text of its own. */
  #node(fallback: SourcePosition): YamlNode {
    const event = this.#events[this.#next++]
    this.#count(1, fallback)
    switch (event?.type) {
      case EVENT_ID.SCALAR:
        return this.#anchored(event, 1, this.#scalar(event, fallback))
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING: {
        const place = this.#place(event.start)
        const before = this.#nodes
        this.#refuseTag(event)
        const node = event.type === EVENT_ID.SEQUENCE ? this.#sequence(place) : this.#mapping(place)
        return this.#anchored(event, this.#nodes - before + 1, node)
      }
      case EVENT_ID.ALIAS:
        return this.#alias(event)
      default:
        return { type: 'scalar', place: fallback, value: null }
    }
  }

  #scalar(event: ScalarEvent, fallback: SourcePosition): YamlNode {
    this.#refuseTag(event)
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
    const place = event.valueStart < 0 ? fallback : this.#place(event.valueStart - (quoted ? 1 : 0))
    if (event.style !== SCALAR_STYLE.PLAIN) return { type: 'scalar', place, value: getScalarValue(this.#source, event) }
    const value = event.valueStart < 0 ? null : plainValue(this.#source, event)
    const text = getScalarValue(this.#source, event)
    if (losesDigits(text, value)) {
      this.#problem(`${text} has more digits than a number keeps (it would be ${value}): quote it`, place)
    }
    return { type: 'scalar', place, value }
  }

  #sequence(place: SourcePosition): YamlNode {
    const items: YamlNode[] = []
    while (!this.#ends()) items.push(this.#node(place))
    return { type: 'sequence', place, items }
  }

  #mapping(place: SourcePosition): YamlNode {
    const pairs = new Map<string, YamlPair>()
    while (!this.#ends()) {
      const event = this.#events[this.#next]
      const key = this.#node(place)
      const node = this.#node(key.place)
      const name = event?.type === EVENT_ID.SCALAR ? keyText(this.#source, event) : undefined
      const before = name === undefined ? undefined : pairs.get(name)
      if (name === undefined) this.#problem('a key must be plain text', key.place)
      else if (name === '<<') this.#problem('merge keys ("<<") are not supported: write the fields out', key.place)
      else if (name === '__proto__') this.#problem('"__proto__" cannot be a key', key.place)
      else if (before) this.#problem(`the key "${name}" is already defined on line ${before.key.line}`, key.place)
      else pairs.set(name, { key: key.place, node })
    }
    return { type: 'mapping', place, pairs }
  }

  #alias(event: { readonly anchorStart: number; readonly anchorEnd: number }): YamlNode {
    const place = this.#place(event.anchorStart - 1)
    const name = this.#source.slice(event.anchorStart, event.anchorEnd)
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) {
      this.#problem(`the alias "*${name}" names no anchor that is complete before it`, place)
      return { type: 'scalar', place, value: null }
    }
    this.#count(anchor.nodes, place)
    return anchor.node
  }

  #anchored(
    event: { readonly anchorStart: number; readonly anchorEnd: number },
    nodes: number,
    node: YamlNode,
  ): YamlNode {
    if (event.anchorStart >= 0)
      this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), { node, nodes })
    return node
  }

  #refuseTag(event: { readonly tagStart: number; readonly tagEnd: number }): void {
    if (event.tagStart < 0) return
    this.#problem(
      `the tag "${this.#source.slice(event.tagStart, event.tagEnd)}" is not supported: quote what is text`,
      this.#place(event.tagStart),
    )
  }

  #count(nodes: number, place: SourcePosition): void {
    this.#nodes += nodes
    if (this.#nodes <= maxNodes) return
    this.#problem(`the document expands to more than ${maxNodes} values`, place)
    throw new TooLarge()
  }

  #ends(): boolean {
    const event = this.#events[this.#next]
    if (event !== undefined && event.type !== EVENT_ID.POP) return false
    this.#next++
    return true
  }

  #problem(message: string, place: SourcePosition): void {
    this.problems.push({ code: 'yaml', message, place })
  }

  #place(offset: number): SourcePosition {
    const starts = this.#lineStarts
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return Object.freeze({ file: this.#file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 })
  }
}

class TooLarge extends Error {}

function keyText(source: string, event: ScalarEvent): string {
  return event.valueStart < 0 ? '' : getScalarValue(source, event)
}

/** Text that may be something other than a string. Most scalars are strings, and need no resolver. */
const notText = /^(?:[-+.~\d]|null$|true$|false$)/i

/** Whole numbers that need no resolver either. */
const plainNumber = /^(?:0|-?[1-9]\d{0,14})$/

/** Whether a whole number differs from the written one. */
function losesDigits(text: string, value: unknown): boolean {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return false
  const [, digits = ''] = /^[-+]?(\d+|0x[\da-f]+|0o[0-7]+)$/i.exec(text) ?? []
  if (digits === '' || !Number.isFinite(value)) return digits !== ''
  if (/^0[xo]/i.test(digits)) return BigInt(digits) !== BigInt(Math.abs(value))
  const [kept = ''] = Math.abs(value).toExponential().replace('.', '').split('e')
  return digits.replace(/^0+/, '').replace(/0+$/, '') !== kept.replace(/0+$/, '')
}

/** A plain scalar by the rules of YAML 1.2's core schema. */
function plainValue(source: string, event: ScalarEvent): string | number | boolean | null {
  const text = getScalarValue(source, event)
  if (!notText.test(text)) return text
  if (plainNumber.test(text)) return Number(text)
  const [value] = constructFromEvents(
    [
      { type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] },
      { ...event, tagStart: -1, tagEnd: -1, anchorStart: -1, anchorEnd: -1 },
      { type: EVENT_ID.POP },
    ],
    { source },
  )
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : text
}
