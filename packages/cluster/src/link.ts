/** What packages above this one use in the thread of the link. */
export type { ExtendLink, LinkAccess } from './link/extension.ts'
export { jobsStreamOf, jobsSubjectOf } from './subjects.ts'
