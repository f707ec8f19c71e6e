/** Types and functions that all packages of Troupe share: ids, errors, durations, the frame. */
export { type Backoff, backoffDelay } from './backoff.ts'
export { type Clock, systemClock } from './clock.ts'
export { type Bounds, bounded, settledWithin, withDeadline } from './deadline.ts'
export { formatDuration, parseDuration } from './duration.ts'
export { asTroupeError, errorFromWire, errorToWire } from './error-wire.ts'
export type { WireError } from './wire-error.ts'
export {
  denied,
  type ErrorDetails,
  type ErrorKind,
  invalid,
  isErrorKind,
  notFound,
  TroupeError,
  type TroupeErrorOptions,
  unavailable,
} from './errors.ts'
export {
  type Actor,
  currentFrame,
  currentSlot,
  emptyFrame,
  enterSlot,
  type Frame,
  type FrameChange,
  fork,
  type OverlayChoice,
  runInFrame,
  runInSlot,
  type Slot,
} from './frame.ts'
export { FrameDecoder, FrameEncoder, type FrameReference, frameTableSize, type WireFrame } from './frame-wire.ts'
export { canonicalHost, ipv4Of, literalOf } from './host.ts'
export { type EntryId, entryId, isEntryId, isName, isPid, nameOf, namespaceOf, type Pid, pid, serialOf, threadOf } from './id.ts'
export type { Log, LogLevel, LogNote } from './log.ts'
export { holdFile } from './hold-file.ts'
export { ensurePrivateDatabase, readPrivateFile } from './private-file.ts'
export { realPath } from './real-path.ts'
export { isSecretName, secretWords } from './secret-name.ts'
export { keepAlive, nodeTimeout, sleep, startDeadline, startInterval, startTimer, stopTimer, Timer, unrefTimers } from './timers.ts'
export { childTrace, formatTrace, newTrace, parseTrace, type Trace } from './trace.ts'
export { isBoxed, valueFromWire, valueToWire } from './value.ts'
export { weigh } from './weight.ts'
export { afterTurn, turnSlice, yieldDue, yielding } from './yielding.ts'
