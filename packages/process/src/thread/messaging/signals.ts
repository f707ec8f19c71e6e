/** Hands what comes from another thread to whom it concerns. */
import type { Frame, Pid } from '@troupe/core'
import type { Channel } from '../../channel/channel.ts'
import type { Parcel } from '../../protocol/kernel-thread.ts'
import type { Bonds } from './links.ts'
import type { PostOffice } from './message-router.ts'

interface Receivers {
  readonly post: PostOffice
  readonly bonds: Bonds
}

/** @param frame - Of a letter. */
export function handOut(parcel: Parcel, channel: Channel, frame: Frame, { post, bonds }: Receivers): void {
  switch (parcel.op) {
    case 'send':
      post.onSend(parcel, channel, frame)
      return
    case 'reply':
      post.onReply(parcel, channel)
      return
    case 'badReply':
      post.onBadReply(parcel, channel)
      return
    case 'flow':
      post.onFlow(parcel, channel)
      return
    case 'reclaim':
      post.onReclaim(parcel, channel)
      return
    case 'giveBack':
      post.onGiveBack(parcel, channel)
      return
    case 'closed':
      post.onClosed(parcel, channel)
      return
    case 'refused':
      post.onRefused(parcel, channel)
      return
    case 'mark':
      channel.put({ op: 'passed' })
      channel.flush()
      return
    case 'passed':
      channel.passed()
      return
    case 'monitor':
      bonds.onMonitor(parcel, channel)
      return
    case 'unmonitor':
      bonds.onUnmonitor(parcel, channel)
      return
    case 'link':
      bonds.onLink(parcel, channel)
      return
    case 'unlink':
      bonds.onUnlink(parcel, channel)
      return
    case 'exit':
      bonds.onExit(parcel, channel)
      return
    case 'linkDown':
      bonds.onLinkDown(parcel, channel)
      return
    default:
  }
}

/** The process that a parcel is for, where that may be one which has not started yet. */
export function receiverOf(parcel: Parcel): Pid | undefined {
  switch (parcel.op) {
    case 'send':
      return parcel.to
    case 'monitor':
    case 'unmonitor':
    case 'link':
    case 'unlink':
      return parcel.target
    default:
      return undefined
  }
}
