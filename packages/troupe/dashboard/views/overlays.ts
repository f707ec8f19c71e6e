/** Overlays: states and latencies, what goes through them, and what they refused. */
import { useMemo, useState } from 'preact/hooks'
import type { Connection, ObservedOverlay, Rest } from '../events.ts'
import { age, count, size } from '../format.ts'
import { html, type View } from '../html.ts'
import { Confirm, Filter, Short, State, type ViewProps } from '../parts.ts'
import { type Column, Table } from '../table.ts'

export function Overlays({ store, act }: ViewProps): View {
  const [text, setText] = useState('')
  const { rest, bounds } = store
  const all = rest?.connections.rows ?? []
  const words = text.toLowerCase()
  const rows = words === '' ? all : all.filter((row) => Object.values(row).join(' ').toLowerCase().includes(words))
  const at = rest?.at ?? 0
  const columns = useMemo(() => columnsOf(at, act), [at, act])
  return html`<section class="view">
    <div class="bar"><h2>Overlays</h2></div>
    <${Short}
      label="Overlays"
      head=${['overlay', 'state', 'for', 'p50', 'p99', 'dials', 'failed', 'open', 'sent', 'received', 'reason']}
      rows=${(rest?.overlays ?? []).map((overlay) => overlayRow(overlay, at, bounds))}
      empty="The application has no overlays."
    />
    <div class="bar">
      <h3>Connections</h3>
      <${Filter} value=${text} set=${setText} label="Filter connections" />
      <span class="faint" role="status">${count(rows.length)}</span>
    </div>
    <${Table}
      label="Connections"
      rows=${rows}
      columns=${columns}
      idOf=${idOf}
      sortedBy="age"
      empty="No connection is open."
    />
    ${rest ? refusals(rest) : null}
  </section>`
}

function overlayRow(overlay: ObservedOverlay, at: number, bounds: readonly number[]) {
  const { overlay: id, state, since, reason, dialBuckets, opened, failed, open, bytesSent, bytesReceived } = overlay
  const latency = (part: number) => quantile(dialBuckets, bounds, part)
  return {
    id,
    cells: [
      html`<b>${id}</b>`,
      html`<${State} state=${state ?? 'unknown'} />`,
      since === undefined ? '' : age(since, at),
      latency(0.5),
      latency(0.99),
      count(opened),
      count(failed),
      count(open),
      size(bytesSent),
      size(bytesReceived),
      reason ?? '',
    ],
  }
}

/** The upper bound of the bucket in which a part of the dials ended: `≤ 25 ms`. */
function quantile(buckets: readonly number[], bounds: readonly number[], part: number): string {
  const all = buckets.reduce((sum, number) => sum + number, 0)
  if (all === 0) return ''
  let sum = 0
  const index = buckets.findIndex((number) => (sum += number) >= all * part)
  const bound = bounds[index]
  return bound === undefined ? `> ${bounds.at(-1) ?? 0} ms` : `≤ ${bound} ms`
}

function idOf({ thread, number }: Connection): string {
  return `${thread}.${number}`
}

function columnsOf(at: number, act: ViewProps['act']): readonly Column<Connection>[] {
  return [
    { name: 'id', kind: 'mono', cell: idOf, key: idOf },
    { name: 'target', kind: 'wide', cell: ({ target }) => target, key: ({ target }) => target },
    {
      name: 'overlay',
      cell: ({ overlay, direction }) => `${overlay} ${direction}`,
      key: ({ overlay }) => overlay,
    },
    { name: 'owner', kind: 'mono', cell: ({ owner }) => owner, key: ({ owner }) => owner },
    { name: 'actor', kind: 'optional', cell: ({ actor }) => actor, key: ({ actor }) => actor },
    { name: 'age', kind: 'number optional', cell: ({ since }) => age(since, at), key: ({ since }) => -since },
    { name: 'sent', kind: 'number', cell: ({ bytesSent }) => size(bytesSent), key: ({ bytesSent }) => bytesSent },
    {
      name: 'received',
      kind: 'number',
      cell: ({ bytesReceived }) => size(bytesReceived),
      key: ({ bytesReceived }) => bytesReceived,
    },
    {
      name: 'actions',
      kind: 'actions',
      cell: (row) => {
        const { thread, number } = row
        const run = () => void act({ action: 'close', thread, connection: number }, `closed: ${idOf(row)}`)
        return html`<${Confirm} label="close" name=${`connection ${idOf(row)}`} run=${run} />`
      },
    },
  ]
}

/** What was refused, by overlay and way out, and by name. */
function refusals({ threads, ended, refusals: byName }: Rest): View {
  const ways = new Map<string, Map<string, number>>()
  for (const { overlay, counts } of [...threads, ...ended]) {
    for (const [way, number] of Object.entries(counts.refused)) {
      if (number === 0) continue
      const name = overlay ?? 'clear'
      const own = ways.get(name) ?? new Map<string, number>()
      ways.set(name, own.set(way, (own.get(way) ?? 0) + number))
    }
  }
  const rows = [...ways].flatMap(([overlay, own]) =>
    Array.from(own, ([way, number]) => ({ id: `${overlay} ${way}`, cells: [overlay, way, count(number)] })),
  )
  const names = Object.entries(byName).toSorted(([, a], [, b]) => b - a)
  return html`<div class="pair">
    <${Short}
      label="Refusals by way"
      head=${['network', 'way', 'times']}
      rows=${rows}
      empty="Nothing was refused."
    />
    <${Short}
      label="Refused functions"
      head=${['function', 'times']}
      rows=${names.map(([name, number]) => ({ id: name, cells: [html`<code>${name}</code>`, count(number)] }))}
      empty="No function was refused."
    />
  </div>`
}
