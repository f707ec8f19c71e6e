/** Dispatches signals from another thread to the part of the runtime that handles them. */
import type { Frame, Pid } from '@troupe/core'
import type { Channel } from '../../channel/channel.ts'
import type { Signal } from '../../protocol/signals.ts'
import type { Links } from './links.ts'
import type { MessageRouter } from './message-router.ts'

interface Receivers {
  readonly router: MessageRouter
  readonly links: Links
}

/** @param frame - The frame of a message. */
export function dispatchSignal(signal: Signal, channel: Channel, frame: Frame, { router, links }: Receivers): void {
  switch (signal.op) {
    case 'send':
      router.onSend(signal, channel, frame)
      return
    case 'reply':
      router.onReply(signal, channel)
      return
    case 'badReply':
      router.onBadReply(signal, channel)
      return
    case 'flow':
      router.onFlow(signal, channel)
      return
    case 'reclaim':
      router.onReclaim(signal, channel)
      return
    case 'giveBack':
      router.onGiveBack(signal, channel)
      return
    case 'closed':
      router.onClosed(signal, channel)
      return
    case 'refused':
      router.onRefused(signal, channel)
      return
    case 'mark':
      channel.put({ op: 'passed' })
      channel.flush()
      return
    case 'passed':
      channel.passed()
      return
    case 'monitor':
      links.onMonitor(signal, channel)
      return
    case 'unmonitor':
      links.onUnmonitor(signal, channel)
      return
    case 'link':
      links.onLink(signal, channel)
      return
    case 'unlink':
      links.onUnlink(signal, channel)
      return
    case 'exit':
      links.onExit(signal, channel)
      return
    case 'linkDown':
      links.onLinkDown(signal, channel)
      return
    default:
  }
}

/** The process that a signal is for, if the process may not have started yet. */
export function receiverOf(signal: Signal): Pid | undefined {
  switch (signal.op) {
    case 'send':
      return signal.to
    case 'monitor':
    case 'unmonitor':
    case 'link':
    case 'unlink':
      return signal.target
    default:
      return undefined
  }
}
