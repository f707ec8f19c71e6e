/** The supervision tree: services, the processes that they supervise, and those that processes started. */
import { useMemo, useState } from 'preact/hooks'
import type { Change, ObservedService, Process } from '../events.ts'
import { age, clock, count, rate } from '../format.ts'
import { html, type View } from '../html.ts'
import { Confirm, Filter, State, type ViewProps } from '../parts.ts'
import { type Column, Table } from '../table.ts'
import { type Branch, branchesOf, isTrouble } from './branches.ts'

/** Branches with more children are collapsed at first. */
const mostOpen = 40
const lastFailures = 6
const ended: ReadonlySet<string> = new Set(['Failed', 'Exited'])

export function Tree({ store, act }: ViewProps): View {
  const [text, setText] = useState('')
  const [onlyFailed, setOnlyFailed] = useState(false)
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set())
  const [selected, setSelected] = useState<string>()
  const { processes, services, changes } = store
  const isOpen = (branch: Branch) => branch.children.length <= mostOpen !== toggled.has(branch.id)
  const all = useMemo(() => branchesOf(services, processes, changes), [services, processes, changes])
  const words = text.toLowerCase()
  const isShown = (branch: Branch) =>
    (words === '' || `${branch.label} ${branch.process?.entry ?? ''}`.toLowerCase().includes(words)) &&
    (!onlyFailed || isTrouble(branch))
  const rows = all.visible(isOpen, words === '' && !onlyFailed ? undefined : isShown)
  const toggle = (id: string) => {
    setToggled(toggled.symmetricDifference(new Set([id])))
  }
  const onKey = (key: string, branch: Branch) => {
    const isOpened = isOpen(branch)
    if (branch.children.length === 0 || !(key === 'Enter' || key === (isOpened ? 'ArrowLeft' : 'ArrowRight')))
      return false
    toggle(branch.id)
    return true
  }
  const at = store.rest?.at ?? 0
  return html`<section class="view">
    <div class="bar">
      <h2>Supervision tree</h2>
      <${Filter} value=${text} set=${setText} label="Filter the tree" />
      <label class="check">
        <input
          type="checkbox"
          checked=${onlyFailed}
          onChange=${() => {
            setOnlyFailed(!onlyFailed)
          }}
        />
        only failed
      </label>
    </div>
    ${failures(changes)}
    <${Table}
      label="Supervision tree"
      rows=${rows}
      columns=${columnsOf({ isOpen, toggle, at, rates: store.rates, act })}
      idOf=${(branch: Branch) => branch.id}
      selected=${selected}
      onSelect=${setSelected}
      onKey=${onKey}
      levelOf=${(branch: Branch) => branch.depth + 1}
      isExpanded=${(branch: Branch) => (branch.children.length > 0 ? isOpen(branch) : undefined)}
      empty="Nothing matches."
    />
  </section>`
}

/** The last failures of services, which may run again. */
function failures(changes: readonly Change[]): View | null {
  const failed = changes.filter(({ error, state }) => error !== undefined && ended.has(state)).slice(-lastFailures)
  if (failed.length === 0) return null
  return html`<ol class="failures" aria-label="Last failures of services">
    ${failed.toReversed().map(
      ({ number, at, id, state, error }) => html`<li key=${number}>
        <time>${clock(at)}</time> <b>${id}</b> <${State} state=${state} /> <span>${error?.message}</span>
      </li>`,
    )}
  </ol>`
}

interface Cells extends Pick<ViewProps, 'act'> {
  readonly isOpen: (branch: Branch) => boolean
  readonly toggle: (id: string) => void
  readonly at: number
  readonly rates: ReadonlyMap<string, number>
}

function columnsOf({ isOpen, toggle, at, rates, act }: Cells): readonly Column<Branch>[] {
  return [
    {
      name: 'name',
      kind: 'wide',
      cell: (branch) => nameCell(branch, isOpen(branch), toggle),
    },
    { name: 'state', kind: 'status', cell: (branch) => stateCell(branch) },
    {
      name: 'mailbox',
      kind: 'number',
      cell: ({ mailbox }) => count(mailbox),
    },
    {
      name: 'handled/s',
      kind: 'number optional',
      cell: ({ process }) => (process ? rate(rates.get(process.pid) ?? 0) : ''),
    },
    { name: 'age', kind: 'number optional', cell: ({ process }) => (process ? age(process.startedAt, at) : '') },
    { name: 'failures', kind: 'number optional', cell: ({ failures }) => (failures > 0 ? count(failures) : '') },
    {
      name: 'actions',
      kind: 'actions',
      cell: ({ service, process }) =>
        service ? serviceActions(service, act) : process ? processActions(process, act) : '',
    },
  ]
}

function nameCell(branch: Branch, isOpen: boolean, toggle: (id: string) => void): View {
  const { id, label, children, depth, process, size } = branch
  const onClick = (event: Event) => {
    event.stopPropagation()
    toggle(id)
  }
  const arrow = html`<button
    type="button"
    class="twist"
    tabindex="-1"
    aria-label=${`${isOpen ? 'Collapse' : 'Expand'} ${label}`}
    onClick=${onClick}
  >
    ${isOpen ? '▾' : '▸'}
  </button>`
  return html`<span class="branch" style=${`padding-left: ${depth * 18}px`}>
    ${children.length > 0 ? arrow : html`<span class="twist"></span>`}
    <span class=${process ? 'mono' : 'strong'} title=${label}>${label}</span>
    ${process ? html`<span class="faint">${process.entry}</span>` : null}
    ${children.length > 0 ? html`<span class="badge">${count(size)}</span>` : null}
  </span>`
}

function stateCell({ service, process }: Branch): View | string {
  if (process) return html`<${State} state=${process.state} />`
  return service ? html`<${State} state=${service.state} />` : ''
}

export function serviceActions({ id, state }: ObservedService, act: ViewProps['act']): View {
  const button = (label: string) => {
    const run = () => void act({ action: label, service: id }, `${label}: ${id}`)
    return html`<${Confirm} key=${label} label=${label} name=${id} run=${run} />`
  }
  const isUp = state === 'Running' || state === 'Starting' || state === 'Failed'
  return html`<span class="buttons">${isUp ? [button('restart'), button('stop')] : button('start')}</span>`
}

export function processActions({ pid }: Process, act: ViewProps['act']): View {
  const button = (label: string) => {
    const run = () => void act({ action: label, pid }, `${label}: ${pid}`)
    return html`<${Confirm} key=${label} label=${label} name=${pid} run=${run} />`
  }
  return html`<span class="buttons">${button('cancel')}${button('terminate')}</span>`
}
