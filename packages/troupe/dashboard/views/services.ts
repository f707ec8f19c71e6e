/** Services with their states, pools of functions, and policies. */
import { count } from '../format.ts'
import { html, type View } from '../html.ts'
import { Short, State, type ViewProps } from '../parts.ts'
import { serviceActions } from './tree.ts'

export function Services({ store, act }: ViewProps): View {
  const pools = store.rest?.pools ?? []
  return html`<section class="view scrolls">
    <div class="bar"><h2>Services and pools</h2></div>
    <${Short}
      label="Services"
      head=${['service', 'kind', 'state', 'failures in a row', 'last error', 'actions']}
      rows=${store.services.map((service) => ({
        id: service.id,
        cells: [
          html`<b>${service.id}</b>`,
          service.kind,
          html`<${State} state=${service.state} />`,
          count(service.attempts),
          service.error ? `${service.error.kind}: ${service.error.message}` : '',
          serviceActions(service, act),
        ],
      }))}
      empty="The application has no services."
    />
    <${Short}
      label="Pools of functions"
      head=${['function', 'threads', 'running', 'waiting', 'networks']}
      rows=${pools.map(({ entry, threads, running, waiting, networks }) => ({
        id: entry,
        cells: [html`<b>${entry}</b>`, count(threads), count(running), count(waiting), count(networks)],
      }))}
      empty="No function has a pool."
    />
  </section>`
}

export function Policies({ store }: ViewProps): View {
  const policies = (store.rest?.policies ?? []).toSorted((a, b) => b.denied - a.denied || b.allowed - a.allowed)
  return html`<section class="view scrolls">
    <div class="bar"><h2>Policy decisions</h2></div>
    <${Short}
      label="Decisions since the start, by the policy that decided"
      head=${['policy', 'allowed', 'denied']}
      rows=${policies.map(({ policy, allowed, denied }) => ({
        id: policy ?? 'none',
        cells: [
          policy === undefined ? 'none applied: denied' : html`<b>${policy}</b>`,
          count(allowed),
          denied > 0 ? html`<span class="state bad"><i aria-hidden="true"></i>${count(denied)}</span>` : '0',
        ],
      }))}
      empty="No policy has decided anything."
    />
  </section>`
}
