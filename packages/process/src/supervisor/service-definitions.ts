/**
 * The services that this package can run: hosts, overlays, processes of `process.service`, and supervisors of
 * processes.
 */
import type { EntryId, OverlayChoice } from '@troupe/core'
import { kindMatches, lifecycleSchema } from '@troupe/registry'
import type { Host } from '../host/host.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { hostKind, processKind, serviceKind } from '../config/kinds.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import type { Running } from '../service/service-instance.ts'
import { startSchedule } from '../later/schedule.ts'
import { scheduleKind } from '../config/schedule-kind.ts'
import { startPerSender } from '../service/per-sender.ts'
import { startReplicas } from '../service/replicas.ts'
import { serviceFrame } from '../service/service-frame.ts'
import { startProcess } from '../service/supervised-process.ts'
import type { ServiceDefinition } from '../service/service-supervisor.ts'
import type { RunningSupervisors } from './running-supervisors.ts'

/** Returns all entries of an application that are services. Child supervisors are not: their parents start them. */
export function servicesOf(kernel: Kernel, supervisors: RunningSupervisors): readonly ServiceDefinition[] {
  const of = (kind: string) => kernel.registry.find({ kind }).map(({ id }) => id)
  return [
    ...of('network.*').map((id) => overlayService(kernel, id)),
    ...of(hostKind.kind).map((id) => hostService(kernel, id)),
    ...of(serviceKind.kind).map((id) => processService(kernel, supervisors, id)),
    ...of(scheduleKind.kind).map((id) => scheduleService(supervisors, id)),
    ...supervisors.roots().map((id) => supervisorService(supervisors, id)),
  ]
}

/**
 * Returns the service of an entry; `undefined` for entries that are not services, and for supervisors that others
 * start.
 */
export function serviceOf(kernel: Kernel, supervisors: RunningSupervisors, id: EntryId): ServiceDefinition | undefined {
  const { kind } = kernel.registry.get(id)
  if (kindMatches(kind, 'network.*')) return overlayService(kernel, id)
  if (kind === hostKind.kind) return hostService(kernel, id)
  if (kind === serviceKind.kind) return processService(kernel, supervisors, id)
  if (kind === scheduleKind.kind) return scheduleService(supervisors, id)
  return supervisors.roots().includes(id) ? supervisorService(supervisors, id) : undefined
}

/** Wraps a resource without its own life cycle as a service: it runs until it is stopped. */
export function runningUntil(stop: () => Promise<void>): Running {
  const { promise, resolve } = Promise.withResolvers<Exit>()
  return {
    ended: promise,
    stop: async () => {
      await stop()
      resolve({ value: undefined })
    },
  }
}

/** A host as a service. */
function hostService(kernel: Kernel, id: EntryId): ServiceDefinition {
  const { fields, entry } = kernel.registry.decode(id, hostKind)
  return {
    id,
    kind: entry.kind,
    lifecycle: fields.lifecycle,
    autoStart: fields.lifecycle.autoStart,
    start: async (signal) => {
      // A host that was put in service by a change exists already.
      if (!kernel.hosts.has(id)) {
        const host = kernel.hosts.create(id, fields.host)
        await readyUnless(signal, host)
        kernel.hosts.add(host)
      }
      return runningUntil(async () => kernel.hosts.remove(id))
    },
    protection: () => (kernel.hosts.has(id) ? kernel.hosts.get(id).protection : undefined),
  }
}

/** Waits for the first threads of a host, until the start is abandoned. The host is removed if its start failed. */
async function readyUnless(signal: AbortSignal, host: Host): Promise<void> {
  const { promise: abandoned, reject } = Promise.withResolvers<never>()
  const onAbort = () => {
    reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([host.ready(), abandoned])
    signal.throwIfAborted()
  } catch (error) {
    await host[Symbol.asyncDispose]()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** An overlay as a service. */
function overlayService(kernel: Kernel, id: EntryId): ServiceDefinition {
  return {
    id,
    kind: kernel.registry.get(id).kind,
    lifecycle: lifecycleSchema.parse(undefined),
    autoStart: true,
    start: async () => {
      // An overlay that was put in service by a change exists already.
      if (!kernel.overlays.has(id)) await kernel.overlays.add(id)
      return runningUntil(async () => kernel.overlays.remove(id))
    },
  }
}

/** A process as a service. */
function processService(kernel: Kernel, supervisors: RunningSupervisors, id: EntryId): ServiceDefinition {
  const { fields, meta, entry } = kernel.registry.decode(id, serviceKind)
  const { lifecycle, process, host, input, name, accepts } = fields
  return {
    id,
    kind: entry.kind,
    lifecycle,
    autoStart: lifecycle.autoStart,
    followsDefault:
      fields.network === undefined && meta.options?.network === undefined && pinOf(kernel, process) === undefined,
    start: async () => {
      if (fields.network === 'per_sender') return startPerSender(id, supervisors)
      if (fields.replicas !== undefined) return startReplicas(id, supervisors)
      const pin = meta.options?.network === undefined ? kernel.program(process).pin : meta.options.network
      return startProcess(kernel, {
        entry: process,
        host,
        args: input,
        frame: serviceFrame(kernel.security, lifecycle, pin),
        name: name ?? id,
        ...(accepts && { accepts }),
        loadTimeout: lifecycle.startTimeout,
      })
    },
    ...(fields.replicas !== undefined && { replicas: () => supervisors.replicas.get(id)?.status ?? [] }),
  }
}

/** The network to which a process entry is pinned. */
function pinOf({ registry }: Kernel, process: EntryId): OverlayChoice {
  return registry.decode(process, processKind).meta.options?.network
}

/** A schedule as a service. */
function scheduleService(supervisors: RunningSupervisors, id: EntryId): ServiceDefinition {
  const { fields, entry } = supervisors.kernel.registry.decode(id, scheduleKind)
  const { lifecycle } = fields
  return {
    id,
    kind: entry.kind,
    lifecycle,
    autoStart: lifecycle.autoStart,
    start: async () => startSchedule(id, supervisors),
  }
}

/** `process.supervisor` as a service. */
function supervisorService(supervisors: RunningSupervisors, id: EntryId): ServiceDefinition {
  const { kind, lifecycle } = supervisors.describe(id)
  return {
    id,
    kind,
    lifecycle,
    autoStart: lifecycle.autoStart,
    // Usually some of its children do.
    followsDefault: true,
    start: async () => supervisors.start(id),
  }
}
