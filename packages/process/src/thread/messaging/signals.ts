/**
 * The way of a signal from another thread. Its channel has checked it. Here it is authorised by the channel's gate
 * (`inbound-gate.ts`), held until the process that it is for has started, and handled, by one table.
 */
import type { Frame, Pid } from '@troupe/core'
import type { Channel } from '../../channel/channel.ts'
import { release } from '../../protocol/foreign-handles.ts'
import { signalRule } from '../../protocol/signal-rules.ts'
import type { Signal, SignalOf } from '../../protocol/signals.ts'
import { InboundGate, type InboundGateOptions } from './inbound-gate.ts'
import type { Links } from './links.ts'
import type { MessageRouter } from './message-router.ts'
import type { PendingStarts } from './pending-starts.ts'

export interface SignalTableOptions {
  readonly router: MessageRouter
  readonly links: Links
  /** Whether a process lives in this thread. */
  readonly isHere: (pid: Pid) => boolean
  readonly pendingStarts: PendingStarts
}

/** What handles a signal of each kind. `frame` is that of a message. */
type SignalHandlers = {
  readonly [Op in Signal['op']]: (signal: SignalOf<Op>, channel: Channel, frame: Frame) => void
}

function handlersOf({ router, links }: Pick<SignalTableOptions, 'router' | 'links'>): SignalHandlers {
  const { inbound, outbound } = router
  return {
    send: (signal, channel, frame) => {
      inbound.onSend(signal, channel, frame)
    },
    reply: (signal, channel) => {
      router.onReply(signal, channel)
    },
    badReply: (signal, channel) => {
      router.onBadReply(signal, channel)
    },
    flow: (signal, channel) => {
      outbound.onFlow(signal, channel)
    },
    reclaim: (signal, channel) => {
      outbound.onReclaim(signal, channel)
    },
    giveBack: (signal, channel) => {
      inbound.onGiveBack(signal, channel)
    },
    closed: (signal, channel) => {
      router.onClosed(signal, channel)
    },
    refused: (signal, channel) => {
      router.onRefused(signal, channel)
    },
    mark: (_, channel) => {
      channel.put({ op: 'passed' })
      channel.flush()
    },
    passed: (_, channel) => {
      channel.passed()
    },
    monitor: (signal, channel) => {
      links.onMonitor(signal, channel)
    },
    unmonitor: (signal, channel) => {
      links.onUnmonitor(signal, channel)
    },
    link: (signal, channel) => {
      links.onLink(signal, channel)
    },
    unlink: (signal, channel) => {
      links.onUnlink(signal, channel)
    },
    exit: (signal, channel) => {
      links.onExit(signal, channel)
    },
    linkDown: (signal, channel) => {
      links.onLinkDown(signal, channel)
    },
  }
}

/** Handles signals of one kind, which the types do not name here. */
interface SignalHandler {
  handle(signal: Signal, channel: Channel, frame: Frame): void
}

export class SignalTable {
  readonly #options: SignalTableOptions
  readonly #handlers = new Map<string, SignalHandler>()

  constructor(options: SignalTableOptions) {
    this.#options = options
    const all = handlersOf(options)
    const isOp = (op: string): op is Signal['op'] => Object.hasOwn(all, op)
    for (const op of Object.keys(all).filter(isOp)) this.#handlers.set(op, { handle: all[op] })
  }

  /** Takes a signal from a channel, in order. */
  readonly accept = (signal: Signal, channel: Channel, frame: Frame): void => {
    channel.gate?.accept(signal, frame)
  }

  /** Returns the check of what is accepted from the thread at the other end of a channel: the kernel decides it. */
  gate(channel: Channel, options: Omit<InboundGateOptions, 'pass' | 'refuse'>): InboundGate {
    return new InboundGate({
      ...options,
      pass: (signal, frame) => {
        this.#receive(signal, channel, frame)
      },
      refuse: (signal) => {
        release(signal)
        // For the sender, the process does not exist: the sender's side reports the lost messages.
        if (signal.op === 'send') channel.put({ op: 'closed', pid: signal.to, arrived: 0 })
      },
    })
  }

  /** Handles an authorised signal. One for a process whose start has not arrived yet waits for the start. */
  #receive(signal: Signal, channel: Channel, frame: Frame): void {
    const { isHere, pendingStarts } = this.#options
    const to = awaited(signal)
    if (to !== undefined && !isHere(to)) {
      const deliver = () => {
        this.#handle(signal, channel, frame)
      }
      if (pendingStarts.hold(to, deliver)) return
    }
    this.#handle(signal, channel, frame)
  }

  #handle(signal: Signal, channel: Channel, frame: Frame): void {
    // Most signals are messages.
    if (signal.op === 'send') this.#options.router.inbound.onSend(signal, channel, frame)
    else this.#handlers.get(signal.op)?.handle(signal, channel, frame)
  }
}

/** The process that a signal is for, if it may not have started yet. */
function awaited(signal: Signal): Pid | undefined {
  if (signal.op === 'send') return signal.to
  const rule = signalRule(signal)
  return rule.action === undefined ? undefined : rule.near?.(signal)
}
