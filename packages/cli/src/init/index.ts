/** Creates applications: for `troupe init`, and for `npm create troupe`. */
export { createApplication, type Created } from './create-application.ts'
export { nextSteps } from './next-steps.ts'
