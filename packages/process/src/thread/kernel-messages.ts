/** Carries out the messages of the kernel to a thread. */
import { type EntryId, type Pid, reachPlace, TroupeError } from '@troupe/core'
import { closeConnection, cutStreams, oldestStream, overlayMoved, type ThreadNetwork } from '@troupe/network'
import type { StartProcess, ThreadMessage, ThreadMessages, ToThread } from '../protocol/kernel-thread.ts'
import type { WireExit } from '../protocol/programs.ts'
import { drain } from './drain.ts'
import { inspect } from './inspection.ts'
import type { KernelClient } from './kernel-client.ts'
import type { Peers } from './messaging/peers.ts'
import { settle } from './native-work.ts'
import { record } from './recording.ts'
import type { ParticipantRuntime } from './participant.ts'
import type { PermissionCache } from './permission-cache.ts'
import type { LocalProcess } from './process/local-process.ts'

/** Ends a connection that an operator closes. */
const canceled = new TroupeError('Canceled', 'the connection was closed by an operator of the application')

/** The parts of a runtime that the kernel's messages are for. */
export interface KernelMessageTargets {
  /** Whose connections are meant; `undefined`: all of this thread. */
  readonly application: number | undefined
  /** Whose messages are recorded. */
  readonly runtime: ParticipantRuntime
  readonly kernel: KernelClient
  readonly peers: Peers
  readonly permissions: PermissionCache
  readonly processes: ReadonlyMap<Pid, LocalProcess>
  readonly bind: (network: ThreadNetwork) => void
  readonly start: (process: StartProcess) => void
  readonly finish: (process: LocalProcess, exit: WireExit, hurry: boolean) => void
  readonly cancel: (target: Pid, reason: string) => void
  readonly deliver: (message: ThreadMessage<'deliver'>) => void
  readonly reportProcess: (id: Pid) => void
  readonly entryChanged: (entry: EntryId) => void
}

/** The connection itself handles the others: the results of requests, and pings. */
type Handled = Exclude<keyof ThreadMessages, 'answer' | 'refusal' | 'ping'>

/** The messages of this package, with what handles each. */
type OwnHandlers = { readonly [Type in Handled]: (message: ThreadMessage<Type>) => void }

function ownHandlers(to: KernelMessageTargets): OwnHandlers {
  const { application } = to
  return {
    bind: ({ network }) => {
      to.bind(network)
    },
    drain: () => {
      void drain(to.kernel)
    },
    settle: ({ error }) => {
      for (const process of [...to.processes.values()]) to.finish(process, { error }, true)
      void settle(to.kernel, to.peers)
    },
    start: ({ process }) => {
      to.start(process)
    },
    kill: ({ pid, error }) => {
      to.peers.takeBefore(() => {
        const process = to.processes.get(pid)
        if (process !== undefined) to.finish(process, { error }, true)
      })
    },
    cancel: ({ pid, reason }) => {
      to.peers.takeBefore(() => {
        to.cancel(pid, reason)
      })
    },
    deliver: (message) => {
      to.deliver(message)
    },
    reportProcess: ({ pid }) => {
      if (to.processes.get(pid)?.localSpawn === undefined) to.kernel.notify({ type: 'processUnknown', pid })
      else to.reportProcess(pid)
    },
    entryChanged: ({ entry }) => {
      to.entryChanged(entry)
    },
    outdated: ({ entry, sources }) => {
      for (const process of to.processes.values()) process.outdated(entry, sources)
    },
    channel: (message) => {
      to.peers.introduce(message)
    },
    remoteChannel: (message) => {
      to.peers.introduceRemote(message)
    },
    remoteAuthorized: ({ place, action, target, may }) => {
      to.peers.gate(reachPlace(place))?.onAuthorized(action, target, may)
    },
    remoteGone: (message) => {
      to.peers.remoteGone(message)
    },
    privileges: ({ thread, privileges }) => {
      to.peers.gate(thread)?.onPrivileges(privileges)
    },
    authorized: ({ via, action, target, may }) => {
      to.peers.gate(via)?.onAuthorized(action, target, may)
    },
    sender: ({ via, pid, acting }) => {
      to.peers.gate(via)?.onSender(pid, acting)
    },
    policiesChanged: () => {
      to.permissions.forget()
      to.peers.forgetPermissions()
    },
    gone: (message) => {
      to.peers.gone(message)
    },
    overlayMoved: ({ overlay }) => {
      overlayMoved({ overlay, application })
    },
    streams: ({ overlay }) => {
      to.kernel.notify({ type: 'streams', overlay, oldest: oldestStream({ overlay, application }) })
    },
    inspect: ({ number, what, limit }) => {
      void inspect(to, number, what, limit)
    },
    record: (message) => {
      record(to.runtime, message)
    },
    closeConnection: ({ connection }) => {
      closeConnection(connection, canceled, application)
    },
    cut: ({ overlay, generation }) => {
      cutStreams({ overlay, application }, generation)
    },
  }
}

/** Handles messages of one type, which the types do not name here. */
interface MessageHandler {
  handle(message: ToThread): void
}

/** The messages of the kernel to a thread: one table of what handles each. */
export class KernelMessages {
  readonly #handlers = new Map<string, MessageHandler>()

  constructor(targets: KernelMessageTargets) {
    const own = ownHandlers(targets)
    const isOwn = (type: string): type is Handled => Object.hasOwn(own, type)
    for (const type of Object.keys(own).filter(isOwn)) this.#handlers.set(type, { handle: own[type] })
  }

  /** Adds a message of a package above this one. */
  add<Type extends keyof ThreadMessages>(type: Type, handle: (message: ThreadMessage<Type>) => void): void {
    this.#handlers.set(type, { handle })
  }

  handle(message: ToThread): void {
    this.#handlers.get(message.type)?.handle(message)
  }
}
