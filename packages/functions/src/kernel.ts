/** Functions, as the kernel runs them. Threads load `@troupe/functions` alone. */
export { Functions, type FunctionsOptions } from './functions.ts'
export type { PoolStatus } from './pool-options.ts'
export { defaultPool, functionKind, functionKinds } from './kinds.ts'
