/** Applies changes of the registry to what runs. */
import { hostKind, processKind, scheduleKind, serviceKind, supervisorKind } from '@troupe/process/kernel'
import { functionKind } from '@troupe/functions/kernel'
import { consumerKind, queueKind } from '@troupe/queue/kernel'
import { codeHandler } from './code.ts'
import { hostHandler } from './hosts.ts'
import { overlayHandler } from './overlays.ts'
import { routeHandler, serverHandler } from './http.ts'
import { policyHandler } from './policies.ts'
import { handleRegistryRequests } from './registry-handlers.ts'
import type { RunningParts } from './running-parts.ts'
import { consumerHandler, queueHandler, serviceHandler, supervisorHandler } from './services.ts'

/** From now on, changes by `registry.apply` also change what runs. */
export function installChangeHandlers(running: RunningParts): void {
  const { registry } = running.kernel
  registry.handle('network.*', overlayHandler(running))
  registry.handle(hostKind.kind, hostHandler(running))
  registry.handle(serviceKind.kind, serviceHandler(running))
  registry.handle(scheduleKind.kind, serviceHandler(running))
  registry.handle(consumerKind.kind, consumerHandler(running))
  registry.handle(queueKind.kind, queueHandler(running))
  registry.handle(supervisorKind.kind, supervisorHandler(running))
  registry.handle('security.policy.*', policyHandler(running))
  registry.handle('security.policy', policyHandler(running))
  registry.handle('http.service', serverHandler(running))
  registry.handle('http.*', routeHandler(running))
  handleRegistryRequests(running)
  for (const { kind } of [processKind, functionKind]) registry.handle(kind, codeHandler(running))
}
