/** Who may send the requests of this package, and what they contain. */
import {
  anything,
  choiceShape,
  count,
  entryText,
  inheritShape,
  list,
  type RequestRules,
  shape,
} from '@troupe/process/protocol'
import type { FunctionRequests } from './protocol.ts'

/** Maximum number of arguments of a call. */
const mostArguments = 1 << 16

export const functionRequests: RequestRules<keyof FunctionRequests> = {
  call: {
    by: 'anyone',
    ask: shape({ entry: entryText, args: list(anything, mostArguments), choice: choiceShape, inherit: inheritShape }),
    // The result of a function was already copied on its way from the thread that ran it.
    handsOver: true,
  },
  cancelCall: { by: 'anyone', ask: shape({ request: count }) },
}
