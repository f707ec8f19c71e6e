/** For `validation.ts`, in every thread: puts a switch into what validates and weighs the messages of threads. */
import { registerHooks } from 'node:module'

const switchUrl = new URL('validation-switch.ts', import.meta.url).href
/** For each place: the module, a line, and what follows the line where the switch is off. */
const edits: readonly (readonly [file: string, line: string, off: string])[] = [
  [
    'protocol/signal-rules.ts',
    'export function faultInBatch(batch: unknown): string | undefined {',
    'return undefined',
  ],
  [
    'protocol/request-rules.ts',
    'export function faultIn(message: unknown, requests: KnownRequests): string | undefined {',
    'return undefined',
  ],
  ['kernel/request-dispatcher.ts', 'function checkShape({ name, ask }: Request, rule: RequestRule): void {', 'return'],
  ['protocol/foreign-handles.ts', 'export function weightOf(value: unknown): number {', 'return 0'],
  [
    'protocol/signal-rules.ts',
    'export function strayIn(signal: Signal, { own, other }: Ends): Pid | undefined {',
    'return undefined',
  ],
]

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const own = edits.filter(([file]) => url.endsWith(`packages/process/src/${file}`))
    if (own.length === 0) return loaded
    let source = textOf(loaded.source)
    for (const [file, line, off] of own) {
      if (!source.includes(line)) throw new Error(`${file} has no line to put the switch after: ${line}`)
      source = source.replace(line, `${line}\n  if (isOff()) ${off}`)
    }
    return { ...loaded, source: `import { isOff } from ${JSON.stringify(switchUrl)};${source}` }
  },
})

function textOf(source: unknown): string {
  return source instanceof Uint8Array ? new TextDecoder().decode(source) : typeof source === 'string' ? source : ''
}
