/** The page: its header, its views, and the form for the token. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import { act as send } from './client.ts'
import { count } from './format.ts'
import { html, type View } from './html.ts'
import type { ViewProps } from './parts.ts'
import { forgetToken, keepToken, takeToken } from './session.ts'
import { Store } from './store.ts'
import { DeadLetters } from './views/dead.ts'
import { Logs } from './views/logs.ts'
import { Metrics } from './views/metrics.ts'
import { Overlays } from './views/overlays.ts'
import { Processes } from './views/processes.ts'
import { Registry } from './views/registry.ts'
import { Policies, Services } from './views/services.ts'
import { Tree } from './views/tree.ts'

const views: readonly (readonly [name: string, view: (props: ViewProps & { theme: string }) => View])[] = [
  ['Tree', Tree],
  ['Processes', Processes],
  ['Overlays', Overlays],
  ['Dead letters', DeadLetters],
  ['Services', Services],
  ['Policies', Policies],
  ['Registry', Registry],
  ['Log', Logs],
  ['Metrics', Metrics],
]
const themeKey = 'theme'
const themes = ['auto', 'light', 'dark']
/** Seconds without data after which the page shows a notice. */
const patience = 2
/** Milliseconds for which a notice is shown. */
const noticeTime = 8000

export function App(): View {
  const [token, setToken] = useState(takeToken)
  const [problem, setProblem] = useState('')
  if (token === undefined)
    return html`<${Login}
      problem=${problem}
      onToken=${(given: string) => {
        keepToken(given)
        setToken(given)
      }}
    />`
  return html`<${Page}
    key=${token}
    token=${token}
    onDenied=${(why: string) => {
      forgetToken()
      setProblem(why)
      setToken(undefined)
    }}
  />`
}

function Login({ problem, onToken }: { problem: string; onToken: (token: string) => void }): View {
  const [text, setText] = useState('')
  const onSubmit = (event: Event) => {
    event.preventDefault()
    if (text.trim() !== '') onToken(text.trim())
  }
  const onInput = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    setText(currentTarget.value)
  }
  return html`<main class="login">
    <form onSubmit=${onSubmit}>
      <h1>Troupe</h1>
      <p>This application requires a token. <code>troupe dashboard</code> prints an address that contains it.</p>
      ${problem === '' ? null : html`<p class="problem" role="alert">${problem}</p>`}
      <label>token <input type="password" autocomplete="off" autofocus value=${text} onInput=${onInput} /></label>
      <button type="submit">Open</button>
    </form>
  </main>`
}

function Page({ token, onDenied }: { token: string; onDenied: (why: string) => void }): View {
  const [, draw] = useState(0)
  const [name, setName] = useState(viewInAddress)
  const [theme, setTheme] = useState(() => chooseTheme(sessionStorage.getItem(themeKey) ?? 'auto'))
  const [notice, setNotice] = useState<{ readonly text: string; readonly isBad: boolean }>()
  const store = useMemo(
    () =>
      new Store(token, () => {
        draw((number) => number + 1)
      }),
    [token],
  )
  useEffect(() => {
    void store.run()
    return () => {
      store.close()
    }
  }, [store])
  useEffect(() => {
    if (store.connection === 'denied') onDenied(store.problem)
  })
  useEffect(() => {
    if (notice === undefined) return undefined
    const timer = setTimeout(() => {
      setNotice(undefined)
    }, noticeTime)
    return () => {
      clearTimeout(timer)
    }
  }, [notice])
  const act = useCallback(
    async (action: object, done: string) => {
      try {
        await send(token, action)
        setNotice({ text: done, isBad: false })
      } catch (error) {
        setNotice({ text: error instanceof Error ? error.message : String(error), isBad: true })
      }
    },
    [token],
  )
  const open = useCallback((next: string) => {
    setName(next)
    history.replaceState(null, '', `#${slug(next)}`)
  }, [])
  useEffect(() => listenToKeys(open), [open])
  const shown = views.find(([each]) => each === name)?.[1] ?? Tree
  return html`<div class="page">
    <header>
      <h1>Troupe</h1>
      ${status(store)}
      <label class="theme">
        theme
        <select
          value=${theme}
          onChange=${({ currentTarget }: { currentTarget: HTMLSelectElement }) => {
            setTheme(chooseTheme(currentTarget.value))
          }}
        >
          ${themes.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
        </select>
      </label>
    </header>
    <nav aria-label="Views">
      ${views.map(
        ([each], index) => html`<button
          key=${each}
          type="button"
          aria-current=${each === name ? 'page' : undefined}
          aria-keyshortcuts=${index + 1}
          onClick=${() => {
            open(each)
          }}
        >
          <kbd aria-hidden="true">${index + 1}</kbd>${each}${badge(each, store)}
        </button>`,
      )}
    </nav>
    <main>${html`<${shown} key=${name} store=${store} act=${act} theme=${theme} />`}</main>
    <div class="notices" role="status" aria-live="polite">
      ${notice ? html`<p class=${notice.isBad ? 'notice bad' : 'notice'}>${notice.text}</p>` : null}
    </div>
  </div>`
}

function status(store: Store): View {
  const { connection, role, rest, quiet, problem } = store
  const facts = rest
    ? `process ${rest.pid}, ${count(store.processes.length)} processes, ${rest.threads.length} threads`
    : 'waiting for data'
  const isStalled = connection === 'lost' || quiet >= patience
  const reason =
    connection === 'lost' ? `the connection is lost (${problem}); connecting again` : 'the application does not reply'
  return html`<p class="status">
    <span class="facts"><span class=${isStalled ? 'dot bad' : 'dot good'} aria-hidden="true"></span>${facts}</span>
    <span class="role">${role}</span>
    ${isStalled ? html`<strong class="stalled" role="alert">${`no data for ${quiet} s: ${reason}`}</strong>` : null}
  </p>`
}

function badge(name: string, { rest, services }: Store): View | null {
  const failed = services.filter(({ state }) => state === 'Failed').length
  const numbers: Readonly<Record<string, number>> = {
    Tree: failed,
    Services: failed,
    'Dead letters': rest?.deadLetters.count ?? 0,
  }
  const number = numbers[name] ?? 0
  return number === 0 ? null : html`<span class="badge">${count(number)}</span>`
}

/** Applies a theme before anything is drawn with its colours. */
function chooseTheme(theme: string): string {
  sessionStorage.setItem(themeKey, theme)
  document.documentElement.dataset['theme'] = theme
  return theme
}

function slug(name: string): string {
  return name.toLowerCase().replace(' ', '-')
}

function viewInAddress(): string {
  return views.find(([name]) => `#${slug(name)}` === location.hash)?.[0] ?? 'Tree'
}

/** Digits open views, and `/` goes to the filter. */
function listenToKeys(open: (name: string) => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    const { target, key } = event
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement
    if (key === 'Escape' && isField) target.blur()
    if (isField) return
    const view = views[Number(key) - 1]
    if (key === '/') document.querySelector<HTMLInputElement>('.filter')?.focus()
    else if (view !== undefined) open(view[0])
    else return
    event.preventDefault()
  }
  document.addEventListener('keydown', onKey)
  return () => {
    document.removeEventListener('keydown', onKey)
  }
}
