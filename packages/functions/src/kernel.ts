/** The kernel's side of functions. Threads load only `@troupe/functions`. */
export { Functions, type FunctionsOptions } from './kernel/functions.ts'
export type { PoolStatus } from './kernel/pool-options.ts'
export { defaultPool, functionKind, functionKinds } from './kinds.ts'
