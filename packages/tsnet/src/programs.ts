/** For packages that contain a program in Go of their own: finds and builds it like those of this package. */
export { type BuildOptions, buildProgram } from './build/build.ts'
export { cachePlace } from './cache.ts'
export { findProgram, type FindOptions, type FoundProgram } from './find.ts'
export type { Platform } from './platform.ts'
export type { GoProgram } from './program.ts'
