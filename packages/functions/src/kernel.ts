/** The kernel's side of functions. Threads load only `@troupe/functions`. */
export { Functions, type FunctionsOptions } from './kernel/functions.ts'
export type { PoolStatus } from './kernel/pool-options.ts'
export type { CallAnswer, CallRequest, FunctionRequests } from './protocol.ts'
export { functionRequests } from './request-rules.ts'
export { defaultPool, functionKind, functionKinds, isSealed, type PoolSettings } from './kinds.ts'
