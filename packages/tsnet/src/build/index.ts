/** Builds the sidecar from the sources that this package brings. */
export { buildSidecar, type BuildOptions, readBuildTags } from './build.ts'
export { findGo, type Go, goPackage } from './go.ts'
