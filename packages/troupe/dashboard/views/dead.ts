/** Messages that no process took. */
import { useMemo, useState } from 'preact/hooks'
import type { DeadLetter } from '../events.ts'
import { clock, count, size } from '../format.ts'
import { html, type View } from '../html.ts'
import { Confirm, Filter, type ViewProps } from '../parts.ts'
import { type Column, Table } from '../table.ts'

export function DeadLetters({ store, act }: ViewProps): View {
  const [text, setText] = useState('')
  const letters = store.rest?.deadLetters
  const all = useMemo(() => (letters?.last ?? []).toReversed(), [letters])
  const words = text.toLowerCase()
  const rows =
    words === '' ? all : all.filter((letter) => Object.values(letter).join(' ').toLowerCase().includes(words))
  const columns = useMemo(() => columnsOf(act), [act])
  return html`<section class="view">
    <div class="bar">
      <h2>Dead letters</h2>
      <${Filter} value=${text} set=${setText} label="Filter dead letters" />
      <span class="faint" role="status">
        ${`${count(letters?.count ?? 0)} since the start, the last ${count(all.length)} are kept`}
      </span>
    </div>
    <${Table}
      label="Dead letters"
      rows=${rows}
      columns=${columns}
      idOf=${({ id }: DeadLetter) => String(id)}
      empty="Each message was taken."
    />
  </section>`
}

function columnsOf(act: ViewProps['act']): readonly Column<DeadLetter>[] {
  return [
    { name: 'id', kind: 'mono', cell: ({ id }) => id, key: ({ id }) => id },
    { name: 'time', cell: ({ time }) => clock(time), key: ({ time }) => time },
    { name: 'from', kind: 'mono', cell: ({ from }) => from, key: ({ from }) => from ?? '' },
    { name: 'to', kind: 'mono', cell: ({ to, name }) => (name ? `${to} ${name}` : to), key: ({ to }) => to },
    { name: 'topic', cell: ({ topic }) => topic, key: ({ topic }) => topic },
    { name: 'reason', kind: 'wide', cell: ({ reason }) => reason, key: ({ reason }) => reason },
    {
      name: 'content',
      kind: 'number optional',
      cell: ({ bytes }) => (bytes === undefined ? 'not kept' : size(bytes)),
      key: ({ bytes }) => bytes ?? -1,
    },
    {
      name: 'actions',
      kind: 'actions',
      cell: ({ id, bytes }) => {
        const run = (action: string) => () => void act({ action, id }, `${action}: ${id}`)
        const name = `dead letter ${id}`
        return html`<span class="buttons">
          ${bytes === undefined ? null : html`<${Confirm} label="replay" name=${name} run=${run('dead-replay')} />`}
          <${Confirm} label="drop" name=${name} run=${run('dead-drop')} />
        </span>`
      },
    },
  ]
}
