/** Deadlines between nodes, whose clocks differ: they travel as the time that is left. */
import type { FrameReference } from '@troupe/core'
import type { Signal } from '../protocol/signals.ts'

/** A signal as it is sent to another node. */
export function leaving(signal: Signal): Signal {
  return shifted(signal, -Date.now())
}

/** A signal that another node has sent. */
export function arrived(signal: Signal): Signal {
  return shifted(signal, Date.now())
}

function shifted(signal: Signal, by: number): Signal {
  if (signal.op !== 'send') return signal
  const frame = shiftedFrame(signal.frame, by)
  return frame === signal.frame ? signal : { ...signal, frame }
}

function shiftedFrame(reference: FrameReference, by: number): FrameReference {
  if (typeof reference === 'number' || reference.frame.deadline === undefined) return reference
  const { number, frame } = reference
  return { number, frame: { ...frame, deadline: reference.frame.deadline + by } }
}
