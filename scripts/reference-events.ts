/** The page about events, from the interfaces and unions of the sources. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plain, sourcesOf } from './reference-sources.ts'

/** A channel of `diagnostics_channel` with the fields of its events. */
interface ChannelEvent {
  readonly channel: string
  readonly isOfKernel: boolean
  readonly about: string
  readonly fields: readonly EventField[]
}

interface EventField {
  readonly name: string
  readonly type: string
  readonly about: string
}

const declaration =
  /(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\s*)?export interface (\w+)(?: extends (?:Omit<)?(\w+)[^{]*)? \{\n([^]*?)\n\}/g
const member = /(?:^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?^ {2}readonly (\w+)(\?)?: (.*(?:\n(?: {4}| {2}\}).*)*)/gm

/** Returns the parts of the page. */
export function eventsParts(root: string): readonly string[] {
  const events = channelEvents(root)
  const sections = (isOfKernel: boolean) =>
    events.filter((event) => event.isOfKernel === isOfKernel).flatMap((event) => sectionOf(event))
  return [
    '[Diagnostics channels](../diagnostics-channels.md) describes how to subscribe. Payloads contain no credentials ' +
      'and no payloads of messages. The levels of log lines are in [automatic log ' +
      'lines](../log.md#automatic-log-lines).',
    "## Channels of the program's thread",
    ...sections(true),
    '## Channels of each thread',
    ...sections(false),
    '## Events of a process',
    'From `self.events`; see [processes](../processes.md).',
    table(['event', 'fields', 'meaning'], processEvents(root)),
  ]
}

function sectionOf({ channel, about, fields }: ChannelEvent): readonly string[] {
  return [`### \`${channel}\``, about, table(['field', 'type', 'meaning'], fields)]
}

function table(columns: readonly string[], fields: readonly EventField[]): string {
  const rows = fields.map(({ name, type, about }) => `| \`${name}\` | ${type} | ${about} |`)
  return [`| ${columns.join(' | ')} |`, '| --- | --- | --- |', ...rows].join('\n')
}

/** The interfaces whose comment begins with "An event of the channel". */
function channelEvents(root: string): readonly ChannelEvent[] {
  const files = sourcesOf(root)
  const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  return files
    .flatMap((file) => {
      const folder = file.split('/').slice(0, 2).join('/')
      const near = [...texts].flatMap(([each, text]) => (each.startsWith(`${folder}/`) ? [text] : [])).join('\n')
      return Array.from((texts.get(file) ?? '').matchAll(declaration), ([, comment = '', name = '']) => {
        const [, channel, place, about = ''] =
          /^An event of the channel `([^`]+)`(, in the program's thread)?: (.+)$/.exec(plain(comment)) ?? []
        if (channel === undefined) return undefined
        const words = about.replace(/^[a-z]/, (letter) => letter.toUpperCase())
        return { channel, isOfKernel: place !== undefined, about: words, fields: fieldsOf(near, name) }
      })
    })
    .filter((event) => event !== undefined)
    .toSorted((a, b) => (a.channel < b.channel ? -1 : 1))
}

/** The fields of an interface, those of the one that it extends first. */
function fieldsOf(text: string, interfaceName: string): readonly EventField[] {
  const found = Array.from(text.matchAll(declaration)).find(([, , name]) => name === interfaceName)
  const [whole = '', , , base, body = ''] = found ?? []
  const omitted = /Omit<\w+, '(\w+)'>/.exec(whole)?.[1]
  const own = Array.from(body.matchAll(member), ([, comment = '', name = '', optional, type = '']) => ({
    name,
    type: `${name === 'error' ? 'error' : typeIn(text, type)}${optional === undefined ? '' : ', if any'}`,
    about: plain(comment),
  }))
  const inherited = base === undefined ? [] : fieldsOf(text, base)
  return [...inherited.filter(({ name }) => name !== omitted), ...own]
}

const words: ReadonlyMap<string, string> = new Map([
  ['EntryId', 'id of an entry'],
  ['Pid', 'pid'],
  ['string', 'text'],
  ['Target', '`{ host, port }`'],
])

/** A type in words; those that are unions of texts as their members. */
function typeIn(text: string, type: string): string {
  const flat = type
    .replaceAll(/readonly /g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  if (flat.startsWith('{')) {
    const names = Array.from(flat.matchAll(/(\w+)\??: /g), ([, name = '']) => name)
    return `${flat.endsWith('[]') ? 'list of ' : ''}\`{ ${names.join(', ')} }\``
  }
  return flat
    .split(' | ')
    .map((part) => {
      const [, members] = new RegExp(`export type ${part} =\\s*((?:\\s*(?:\\| )?'\\w+')+)`).exec(text) ?? []
      if (members !== undefined) return Array.from(members.matchAll(/\w+/g), ([each]) => `\`${each}\``).join(', ')
      return (
        words.get(part) ??
        (part.startsWith("'") ? `\`${part.slice(1, -1)}\`` : part.replace(/^(\w+)\[\]$/, 'list of $1'))
      )
    })
    .join(' or ')
}

/** The members of the union of the events of a process: a row for each. */
function processEvents(root: string): readonly EventField[] {
  const text = readFileSync(join(root, 'packages/process/src/thread/process/event-queue.ts'), 'utf8')
  const [, union = ''] = /export type ProcessEvent =([^]*?)\n\n/.exec(text) ?? []
  return Array.from(
    union.matchAll(/\/\*\*([^*]*)\*\/\s*\| \{ readonly type: '(\w+)'(.*) \}/g),
    ([, about = '', name = '', rest = '']) => ({
      name,
      type: Array.from(rest.matchAll(/readonly (\w+): /g), ([, field = '']) => `\`${field}\``).join(', '),
      about: plain(about),
    }),
  )
}
