/** The last lines of the log. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { clock, count } from '../format.ts'
import { html, type View } from '../html.ts'
import { Filter, type ViewProps } from '../parts.ts'

const mostLines = 300
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent', 'configured']

export function Logs({ store, act }: ViewProps): View {
  const [text, setText] = useState('')
  const [isFollowing, setFollowing] = useState(true)
  const [level, setLevel] = useState('configured')
  const [entry, setEntry] = useState('')
  const end = useRef<HTMLDivElement>(null)
  const words = text.toLowerCase()
  const lines = store.lines.filter((line) => line.text.toLowerCase().includes(words)).slice(-mostLines)
  useEffect(() => {
    const { current } = end
    if (isFollowing && current !== null) current.scrollTop = current.scrollHeight
  }, [isFollowing, lines.at(-1)?.number, words])
  const onSubmit = (event: Event) => {
    event.preventDefault()
    const action = { action: 'log-level', level, ...(entry !== '' && { entry }) }
    void act(action, `log level: ${level} ${entry}`)
  }
  return html`<section class="view">
    <div class="bar">
      <h2>Log</h2>
      <${Filter} value=${text} set=${setText} label="Filter lines of the log" />
      <label class="check">
        <input
          type="checkbox"
          checked=${isFollowing}
          onChange=${() => {
            setFollowing(!isFollowing)
          }}
        />
        follow
      </label>
      <span class="faint" role="status">${count(lines.length)}</span>
      <form class="inline" onSubmit=${onSubmit}>
        <label>
          level
          <select
            value=${level}
            onChange=${({ currentTarget }: { currentTarget: HTMLSelectElement }) => {
              setLevel(currentTarget.value)
            }}
          >
            ${levels.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
          </select>
        </label>
        <label>
          of
          <input
            placeholder="all entries"
            value=${entry}
            onInput=${({ currentTarget }: { currentTarget: HTMLInputElement }) => {
              setEntry(currentTarget.value)
            }}
          />
        </label>
        <button type="submit" class="small">set</button>
      </form>
    </div>
    <div class="log" ref=${end} tabindex="0" role="log" aria-label="Lines of the log">
      ${lines.map(
        ({ number, at, text: line }) => html`<div key=${number} class=${levelOf(line)}>
          <time>${clock(at)}</time><span>${line}</span>
        </div>`,
      )}
      ${lines.length === 0 ? html`<p class="empty">No line yet.</p>` : null}
    </div>
  </section>`
}

/** Lines are text or JSON; the level of text is its first or second word. */
function levelOf(line: string): string {
  const [, name] = /^(?:[\d:.]+ )?(WARN|ERROR|FATAL|DEBUG|TRACE)\b/.exec(line) ?? []
  if (name !== undefined) return name.toLowerCase()
  const [, number] = /^\{"level":(\d+)/.exec(line) ?? []
  if (number === undefined) return 'info'
  return Number(number) >= 50 ? 'error' : Number(number) >= 40 ? 'warn' : 'info'
}
