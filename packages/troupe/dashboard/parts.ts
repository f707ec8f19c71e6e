/** Small parts that several views use. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { html, type View } from './html.ts'
import type { Store } from './store.ts'

/** What views need: the state, and how to act. */
export interface ViewProps {
  readonly store: Store
  readonly act: (action: object, done: string) => Promise<void>
}

/** A button whose second click acts. */
export function Confirm({ label, name, run }: { label: string; name: string; run: () => void }): View {
  const [isAsked, setAsked] = useState(false)
  useEffect(() => {
    if (!isAsked) return undefined
    const timer = setTimeout(() => {
      setAsked(false)
    }, 6000)
    return () => {
      clearTimeout(timer)
    }
  }, [isAsked])
  const onClick = (event: Event) => {
    event.stopPropagation()
    setAsked(!isAsked)
    if (isAsked) run()
  }
  return html`<button
    type="button"
    class=${isAsked ? 'small danger' : 'small'}
    aria-label=${isAsked ? `Confirm: ${label} ${name}` : `${label} ${name}`}
    onClick=${onClick}
  >
    ${isAsked ? 'confirm' : label}
  </button>`
}

const good = new Set(['Running', 'up', 'Up', 'running', 'waiting'])
const bad = new Set(['Failed', 'down', 'Down', 'failed', 'denied'])

/** A state, with a colour and a word. */
export function State({ state }: { state: string }): View {
  const kind = good.has(state) ? 'good' : bad.has(state) ? 'bad' : 'other'
  return html`<span class=${`state ${kind}`}><i aria-hidden="true"></i>${state}</span>`
}

/** The field by which a table is filtered. */
export function Filter({ value, set, label }: { value: string; set: (text: string) => void; label: string }): View {
  const field = useRef<HTMLInputElement>(null)
  const onInput = () => {
    set(field.current?.value ?? '')
  }
  return html`<input
    ref=${field}
    class="filter"
    type="search"
    placeholder="filter ( / )"
    aria-label=${label}
    value=${value}
    onInput=${onInput}
  />`
}

/** A small table of a few rows. */
export function Short({ label, head, rows, empty }: ShortProps): View {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table>
      <caption>
        ${label}
      </caption>
      <thead>
        <tr>
          ${head.map((name) => html`<th key=${name} scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ id, cells }) => html`<tr key=${id}>
            ${cells.map((cell, index) => html`<td key=${index}>${cell}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

interface ShortProps {
  readonly label: string
  readonly head: readonly string[]
  readonly rows: readonly { readonly id: string; readonly cells: readonly unknown[] }[]
  readonly empty: string
}
