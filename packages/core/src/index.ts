/** Types and functions that all packages of Troupe share: ids, errors, durations, the frame. */
export { type Backoff, backoffDelay } from './backoff.ts'
export { type Calendar, type Clock, systemClock } from './clock.ts'
export { compileCacheFolder } from './compile-cache.ts'
export { type Bounds, bounded, settledWithin, withDeadline } from './deadline.ts'
export { Deque } from './deque.ts'
export { formatDuration, parseDuration } from './duration.ts'
export { errorFromWire } from './error-from-wire.ts'
export { asTroupeError, errorToWire } from './error-wire.ts'
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
  runOutsideSlots,
  type Slot,
} from './frame.ts'
export { fnv1a } from './fnv1a.ts'
export { readGivenFile, refusePipe } from './given-file.ts'
export { forgetOldest } from './forget-oldest.ts'
export { FrameDecoder, FrameEncoder, type FrameReference, frameTableSize, type WireFrame } from './frame-wire.ts'
export { asciiHost, canonicalHost, hasForbidden, ipv4Of, literalOf } from './host.ts'
export {
  type EntryId,
  entryId,
  isEntryId,
  isName,
  isPid,
  nameOf,
  namespaceOf,
  type Pid,
  pid,
  reach,
  serialOf,
  threadOf,
} from './id.ts'
export {
  forgetPlace,
  isRemote,
  placeOf,
  placeOfThread,
  type PidNames,
  pidsFrom,
  reachPlace,
  unreached,
} from './remote-pid.ts'
export { lazyModule } from './lazy-module.ts'
export type {
  AnswerOf,
  AnyMessages,
  CallTopicOf,
  PayloadOf,
  ReceivedOf,
  ReplyOf,
  Schema,
  SchemaIssue,
  SendArguments,
  TopicOf,
} from './messages.ts'
export type { Log, LogLevel, LogNote } from './log.ts'
export { holdFile } from './hold-file.ts'
export { ensurePrivateDatabase, readPrivateFile } from './private-file.ts'
export { adviceOnWriting, ensurePrivateFolder, makePrivateFolder, privateFolderFault } from './private-folder.ts'
export { realPath } from './real-path.ts'
export { Semaphore } from './semaphore.ts'
export { isSecretName, secretWords } from './secret-name.ts'
export {
  keepAlive,
  nodeTimeout,
  sleep,
  startDeadline,
  startInterval,
  startTimer,
  stopTimer,
  Timer,
  unrefTimers,
} from './timers.ts'
export {
  type BucketExemplar,
  type Exemplar,
  exemplarSize,
  mergeExemplars,
  newestExemplars,
  readExemplar,
  readExemplars,
  writeExemplar,
} from './exemplars.ts'
export {
  addCounts,
  type CounterName,
  type Counts,
  count,
  countDial,
  countGc,
  counter,
  counterMemory,
  countIn,
  countRefusal,
  countRequest,
  type GcCount,
  type GcKind,
  gcKinds,
  latencyBounds,
  noCounts,
  ownCounters,
  readCounts,
  type WayOut,
  waysOut,
} from './thread-counters.ts'
export { type RequestCount, type RequestOutcome } from './request-counters.ts'
export {
  beginsTraces,
  isTracing,
  setTracer,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanStart,
  startSpan,
  traced,
  traceChange,
  type TraceContext,
  type Tracer,
} from './tracer.ts'
export {
  childTrace,
  formatTrace,
  isTraceState,
  longestTraceState,
  newTrace,
  parseTrace,
  type Trace,
  traceOfFields,
} from './trace.ts'
export { isBoxed, valueFromWire, valueToWire } from './value.ts'
export { containerWeight, itemWeight, weightOfPrimitive } from './value-wire/plain-copy.ts'
export { isOpaque, opaque, openOpaque, weightOfCopy } from './value-wire/value-wire.ts'
export { weigh, weighKept } from './weight.ts'
export { afterTurn, turnSlice, yieldDue, yielding } from './yielding.ts'
