/** Versions of the registry: what each changed, and the way back. */
import { useEffect, useState } from 'preact/hooks'
import { read } from '../client.ts'
import { clock } from '../format.ts'
import { html, type View } from '../html.ts'
import { Confirm, Short, type ViewProps } from '../parts.ts'

interface Version {
  readonly version: number
  readonly time: number
  readonly changes: readonly { readonly op: string; readonly id: string }[]
}

interface ShownChange {
  readonly op: string
  readonly id: string
  readonly kind: string
  readonly before?: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
}

const mostNamed = 8
/** Milliseconds between two looks at the versions. */
const pace = 3000

export function Registry({ store, act }: ViewProps): View {
  const [versions, setVersions] = useState<readonly Version[]>([])
  const [problem, setProblem] = useState('')
  const [chosen, setChosen] = useState<number>()
  const [changes, setChanges] = useState<readonly ShownChange[]>([])
  const { token } = store
  useEffect(() => {
    const look = () => {
      read(token, 'registry/log').then(
        (found) => {
          setVersions(versionsOf(found).toReversed())
          setProblem('')
        },
        (error: unknown) => {
          setProblem(String(error))
        },
      )
    }
    look()
    const timer = setInterval(look, pace)
    return () => {
      clearInterval(timer)
    }
  }, [token])
  const newest = versions[0]?.version ?? 0
  const show = (version: number) => {
    setChosen(version)
    read(token, `registry/diff?from=${version - 1}&to=${version}`).then(
      (found) => {
        setChanges(changesOf(found))
      },
      (error: unknown) => {
        setChanges([])
        setProblem(String(error))
      },
    )
  }
  return html`<section class="view scrolls">
    <div class="bar"><h2>Registry</h2></div>
    ${problem === '' ? null : html`<p class="problem" role="alert">${problem}</p>`}
    <${Short}
      label="Versions, the newest first"
      head=${['version', 'time', 'changes', 'actions']}
      rows=${versions.map(({ version, time, changes: made }) => ({
        id: String(version),
        cells: [
          html`<b>${version}</b>`,
          clock(time),
          made.length > mostNamed ? `${made.length} entries` : made.map(({ op, id }) => `${op} ${id}`).join(', '),
          buttons(version, { newest, oldest: versions.at(-1)?.version ?? 0 }, show, act),
        ],
      }))}
      empty="The entries are as they were read: no version was made since."
    />
    ${chosen === undefined ? null : diff(chosen, changes)}
  </section>`
}

function buttons(
  version: number,
  { newest, oldest }: { readonly newest: number; readonly oldest: number },
  show: (version: number) => void,
  act: ViewProps['act'],
): View {
  const run = () => void act({ action: 'registry-rollback', version }, `rolled back to version ${version}`)
  const onClick = () => {
    show(version)
  }
  const label = `diff of version ${version}`
  return html`<span class="buttons">
    ${
      version === oldest
        ? null
        : html`<button type="button" class="small" aria-label=${label} onClick=${onClick}>diff</button>`
    }
    ${version === newest ? null : html`<${Confirm} label="roll back" name=${`to version ${version}`} run=${run} />`}
  </span>`
}

function diff(version: number, changes: readonly ShownChange[]): View {
  return html`<div class="diff">
    <h3>${`Version ${version}`}</h3>
    ${changes.map(
      ({ op, id, kind, before = {}, after = {} }) => html`<article key=${id}>
        <h4>${`${op} ${id}`} <span class="faint">${kind}</span></h4>
        <pre tabindex="0" aria-label=${`Changes of ${id}`}>${linesOf(before, after).map(
          ({ sign, line }) =>
            html`<span key=${sign + line} class=${sign === '+' ? 'added' : 'removed'}>${sign} ${line}\n</span>`,
        )}</pre>
      </article>`,
    )}
  </div>`
}

/** The fields that differ. */
function linesOf(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => name !== 'id')
  return names.flatMap((name) => {
    const [old, now] = [JSON.stringify(before[name]), JSON.stringify(after[name])]
    if (old === now) return []
    return [
      ...(old === undefined ? [] : [{ sign: '-', line: `${name}: ${old}` }]),
      ...(now === undefined ? [] : [{ sign: '+', line: `${name}: ${now}` }]),
    ]
  })
}

/** The page and the server are of the same version. */
function versionsOf(value: unknown): readonly Version[]
function versionsOf(value: unknown): unknown {
  return value
}

function changesOf(value: unknown): readonly ShownChange[]
function changesOf(value: unknown): unknown {
  return value
}
