/** Carries out the messages of the kernel to a thread. */
import type { Pid } from '@troupe/core'
import { cutStreams, oldestStream, overlayMoved, type ThreadNetwork } from '@troupe/network'
import type { StartProcess, ToThread } from '../protocol/kernel-thread.ts'
import type { WireExit } from '../protocol/programs.ts'
import { drain } from './drain.ts'
import type { RunningCalls } from './functions/running-calls.ts'
import type { KernelClient } from './kernel-client.ts'
import type { LocalSpawns } from './local-spawns.ts'
import type { Peers } from './messaging/peers.ts'
import { settle } from './native-work.ts'
import type { PermissionCache } from './permission-cache.ts'
import type { LocalProcess } from './process/local-process.ts'

/** The parts of a runtime that the kernel's messages are for. */
export interface KernelMessageTargets {
  readonly kernel: KernelClient
  readonly peers: Peers
  readonly calls: RunningCalls
  readonly permissions: PermissionCache
  readonly spawns: LocalSpawns | undefined
  readonly processes: ReadonlyMap<Pid, LocalProcess>
  readonly bind: (network: ThreadNetwork) => void
  readonly start: (process: StartProcess) => void
  readonly finish: (process: LocalProcess, exit: WireExit, hurry: boolean) => void
  readonly cancel: (target: Pid, reason: string) => void
  readonly reportProcess: (id: Pid) => void
}

export function handleKernelMessage(message: ToThread, to: KernelMessageTargets): void {
  switch (message.type) {
    case 'bind':
      to.bind(message.network)
      return
    case 'drain':
      void drain(to.kernel)
      return
    case 'settle':
      for (const process of [...to.processes.values()]) to.finish(process, { error: message.error }, true)
      void settle(to.kernel, to.peers)
      return
    case 'start':
      to.start(message.process)
      return
    case 'calls':
      to.calls.take(message.calls)
      return
    case 'kill':
      to.peers.takeBefore(() => {
        const process = to.processes.get(message.pid)
        if (process !== undefined) to.finish(process, { error: message.error }, true)
      })
      return
    case 'cancel':
      to.peers.takeBefore(() => {
        to.cancel(message.pid, message.reason)
      })
      return
    case 'reportProcess':
      if (to.processes.get(message.pid)?.localSpawn === undefined) to.kernel.notify({ type: 'processUnknown', pid: message.pid })
      else to.reportProcess(message.pid)
      return
    case 'entryChanged':
      to.spawns?.forget(message.entry)
      to.calls.forget(message.entry)
      return
    case 'outdated':
      for (const process of to.processes.values()) process.outdated(message.entry, message.sources)
      return
    case 'channel':
      to.peers.introduce(message)
      return
    case 'privileges':
      to.peers.gate(message.thread)?.onPrivileges(message.privileges)
      return
    case 'authorized':
      to.peers.gate(message.via)?.onAuthorized(message.action, message.target, message.may)
      return
    case 'sender':
      to.peers.gate(message.via)?.onSender(message.pid, message.acting)
      return
    case 'policiesChanged':
      to.permissions.forget()
      to.peers.forgetPermissions()
      return
    case 'gone':
      to.peers.gone(message)
      return
    case 'overlayMoved':
      overlayMoved(message.overlay)
      return
    case 'streams':
      to.kernel.notify({ type: 'streams', overlay: message.overlay, oldest: oldestStream(message.overlay) })
      return
    case 'cut':
      cutStreams(message.overlay, message.generation)
      return
    default:
  }
}
