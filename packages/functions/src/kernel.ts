/** Functions, as the kernel runs them. Threads load `@troupe/functions` alone. */
export { functionKind, functionKinds } from './kinds.ts'
