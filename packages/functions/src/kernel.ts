/** Functions, as the kernel runs them. Threads load `@troupe/functions` alone. */
export { Functions, type FunctionsOptions } from './functions.ts'
export { functionKind, functionKinds } from './kinds.ts'
