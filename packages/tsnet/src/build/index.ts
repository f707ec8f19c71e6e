/** Builds the programs from the sources that this package brings. */
export { buildLauncher, buildSidecar, type BuildOptions, readBuildTags } from './build.ts'
export { findGo, type Go, goPackage } from './go.ts'
