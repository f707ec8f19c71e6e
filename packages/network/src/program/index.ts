/** A whole program in an overlay, without an application: what its launcher needs. */
export { AllowedTargets } from '../guard/allowed-targets.ts'
export { forwardSignals } from './forward-signals.ts'
export { planDescriptor, leaseDescriptor, reportDescriptor } from './descriptors.ts'
export { withPreload } from './options-text.ts'
export { hasPlan, openAppended, type ProgramPlan, writePlan } from './plan.ts'
export { readReport, type ReportLine } from './report-file.ts'
export { type ChildRequest, type ChildRules, planChild } from './children/plan-child.ts'
