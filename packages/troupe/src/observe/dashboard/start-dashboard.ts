/** Starts the dashboard of an application. */
import { invalid, notFound } from '@troupe/core'
import type { Application } from '../../application.ts'
import { redactedText } from '../../log/redact.ts'
import { observedService } from '../observation.ts'
import { OperatorActions } from '../operator-actions.ts'
import { registryDiff } from '../registry-diff.ts'
import { Dashboard } from './dashboard.ts'
import type { DashboardHistory } from './history.ts'
import { Refusals } from './refusals.ts'

/** Serves the dashboard, where the configuration has a section `dashboard`. Throws like `Dashboard.start`. */
export async function startDashboard(app: Application, history: DashboardHistory): Promise<Dashboard> {
  const { kernel, config, registry } = app
  const { dashboard: settings } = config
  if (settings === undefined) throw invalid('the configuration has no section "dashboard"')
  const actions = new OperatorActions(app)
  return Dashboard.start({
    settings,
    stateDir: config.networkService.stateDir,
    history,
    observe: async (options) => app.observe(options),
    threads: () => kernel.threads.size,
    services: () => app.services().map((status) => observedService(status, registry.env.secrets)),
    act: async (action) => {
      if (action.action === 'profile-cpu' || action.action === 'profile-heap')
        throw invalid('the dashboard takes no profiles: use the command line')
      await actions.carryOut(action, 'dashboard, operator')
      return { done: action }
    },
    read: async (path) => documentAt(app, path),
    refusals: new Refusals((line) => {
      kernel.note(line, { level: 'warn', always: true })
    }),
    onError: (error) => {
      kernel.note('the dashboard does not work', { level: 'error', error })
    },
    shown: (text) => redactedText(text, registry.env.secrets),
  })
}

/** @throws TroupeError `NotFound` */
async function documentAt(app: Application, path: string): Promise<unknown> {
  const { pathname, searchParams } = new URL(path, 'http://localhost')
  const { registry } = app
  if (pathname === '/registry/log') return registry.history()
  if (pathname === '/registry/diff')
    return registryDiff(registry, Number(searchParams.get('from')), Number(searchParams.get('to')))
  if (pathname === '/dead') return (await app.observe({ processes: 0, connections: 0 })).deadLetters
  throw notFound(`there is no ${pathname}`)
}
