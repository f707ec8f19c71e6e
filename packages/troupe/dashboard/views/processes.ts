/** All processes: sorted, filtered, and one of them in detail. */
import { useMemo, useState } from 'preact/hooks'
import type { Process } from '../events.ts'
import { age, clock, count, rate } from '../format.ts'
import { html, type View } from '../html.ts'
import { Filter, State, type ViewProps } from '../parts.ts'
import { type Column, Table } from '../table.ts'
import { processActions } from './tree.ts'

export function Processes({ store, act }: ViewProps): View {
  const [text, setText] = useState('')
  const [selected, setSelected] = useState<string>()
  const { processes, rates, rest } = store
  const words = text.toLowerCase()
  const rows = useMemo(
    () => (words === '' ? processes : processes.filter((row) => wordsOf(row).includes(words))),
    [processes, words],
  )
  const at = rest?.at ?? 0
  const columns = useMemo(() => columnsOf(rates, at), [rates, at])
  const chosen = selected === undefined ? undefined : store.processOf(selected)
  const silent = rest?.silent ?? []
  return html`<section class="view">
    <div class="bar">
      <h2>Processes</h2>
      <${Filter} value=${text} set=${setText} label="Filter processes" />
      <span class="faint" role="status">
        ${rows.length === processes.length ? count(rows.length) : `${count(rows.length)} of ${count(processes.length)}`}
        ${silent.length > 0 ? `; threads that do not reply: ${silent.join(', ')}` : ''}
      </span>
    </div>
    <${Table}
      label="Processes"
      rows=${rows}
      columns=${columns}
      idOf=${({ pid }: Process) => pid}
      sortedBy="mailbox"
      selected=${selected}
      onSelect=${setSelected}
      empty="No process matches."
    />
    ${chosen ? details(chosen, act) : html`<p class="hint">Select a process for its details.</p>`}
  </section>`
}

function wordsOf({ pid, entry, names, overlay, host, state }: Process): string {
  return `${pid} ${entry} ${names.join(' ')} ${overlay ?? 'clear'} ${host ?? ''} ${state}`.toLowerCase()
}

function columnsOf(rates: ReadonlyMap<string, number>, at: number): readonly Column<Process>[] {
  return [
    { name: 'pid', kind: 'mono', cell: ({ pid }) => pid, key: ({ pid }) => pid },
    { name: 'entry', kind: 'wide', cell: ({ entry }) => entry, key: ({ entry }) => entry },
    {
      name: 'state',
      kind: 'status',
      cell: ({ state }) => html`<${State} state=${state} />`,
      key: ({ state }) => state,
    },
    { name: 'mailbox', kind: 'number', cell: ({ mailbox }) => count(mailbox), key: ({ mailbox }) => mailbox },
    {
      name: 'handled/s',
      kind: 'number',
      cell: ({ pid }) => rate(rates.get(pid) ?? 0),
      key: ({ pid }) => rates.get(pid) ?? 0,
    },
    { name: 'links', kind: 'number optional', cell: ({ links }) => count(links), key: ({ links }) => links },
    {
      name: 'overlay',
      kind: 'optional',
      cell: ({ overlay }) => overlay ?? 'clear',
      key: ({ overlay }) => overlay ?? '',
    },
    {
      name: 'age',
      kind: 'number optional',
      cell: ({ startedAt }) => age(startedAt, at),
      key: ({ startedAt }) => -startedAt,
    },
  ]
}

function details(process: Process, act: ViewProps['act']): View {
  const { pid, parent, entry, names, state, mailbox, handled, links, host, thread, overlay, startedAt } = process
  const facts: readonly (readonly [string, string])[] = [
    ['entry', entry],
    ['names', names.length === 0 ? 'none' : names.join(', ')],
    ['state', state],
    ['parent', parent ?? 'none'],
    ['host', host ?? 'none'],
    ['thread', String(thread)],
    ['network', overlay ?? 'clear'],
    ['mailbox', count(mailbox)],
    ['handled', count(handled)],
    ['links', count(links)],
    ['started', clock(startedAt)],
  ]
  return html`<aside class="details" aria-label=${`Process ${pid}`}>
    <h3 class="mono">${pid}</h3>
    <dl>${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${processActions(process, act)}
  </aside>`
}
