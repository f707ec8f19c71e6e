/** Policies on the kernel's side. Threads load only `@troupe/policy`. */
export { type AuditEvent, decisionChannel } from './audit.ts'
export type { Condition, Operator } from './condition/condition.ts'
export { type Explanation, type Opinion, opinions } from './explain.ts'
export { checkBinding, checkSelection, directNetwork } from './network-actions.ts'
export {
  compilePolicies,
  compilePolicy,
  type ExpressionFields,
  type Policies,
  type Policy,
  type PolicyFields,
  policyKinds,
  securityExpression,
  securityPolicy,
} from './policy.ts'
export { emptyGroup } from './scope.ts'
export { type Decision, type Denial, denialError, Security, type SecurityOptions } from './security.ts'
