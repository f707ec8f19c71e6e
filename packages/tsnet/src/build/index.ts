/** Builds the programs from the sources in this package. */
export { buildLauncher, buildSidecar, type BuildOptions, readBuildTags } from './build.ts'
export { findGo, type Go, goPackage } from './go.ts'
