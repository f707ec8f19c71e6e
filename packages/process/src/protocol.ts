/**
 * The protocol between threads and the kernel, for packages that add requests, roles and messages of their own:
 * `declare module '@troupe/process/protocol'`. They register a handler for each, with a rule.
 */
export * from './protocol/requests.ts'
export * from './protocol/kernel-thread.ts'
export * from './protocol/validators.ts'
export {
  choiceShape,
  faultIn,
  inheritShape,
  kernelRequests,
  type KnownRequests,
  mostListed,
  readsRegistry,
} from './protocol/request-rules.ts'
