/** Functions, as the kernel runs them. Threads load `@troupe/functions` alone. */
export { Functions, type FunctionsOptions } from './kernel/functions.ts'
export type { PoolStatus } from './kernel/pool-options.ts'
export { defaultPool, functionKind, functionKinds } from './kinds.ts'
