/** The same as a function. */
export { request as handler } from './request.ts'
