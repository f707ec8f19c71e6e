/** Who may choose an overlay, and who may listen on one. Inherited overlays are never asked about. */
import type { EntryId, Frame } from '@troupe/core'
import { type Decision, decide, type Rules } from './decide.ts'

/** The clear network, as a resource. */
export const directNetwork = 'network:direct'

export interface SelectionQuestion extends Rules {
  /** The frame that the kernel gave to whoever asks. */
  readonly frame: Frame
  /** `null`: the clear network. */
  readonly overlay: EntryId | null
}

/** Whether `overlay` may be chosen at a call, a spawn or a request: the action `network.select`. */
export function decideSelection(question: SelectionQuestion): Decision {
  return decide(question.frame, 'network.select', question.overlay ?? directNetwork, question)
}

export interface BindingQuestion extends Rules {
  /** The frame of the service. */
  readonly frame: Frame
  readonly overlay: EntryId
}

/** Whether a service may listen on `overlay`: the action `network.bind`. */
export function decideBinding(question: BindingQuestion): Decision {
  return decide(question.frame, 'network.bind', question.overlay, question)
}
