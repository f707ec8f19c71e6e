/** For the tests of applications: an application in a test, processes in the test's hands, and time that stands still. */
export { TestClock } from './clock.ts'
export { NetworkProbe, type ProbeMessage } from './network-probe.ts'
export type { NetworkProbeOptions, ProbeOptions } from './probe-options.ts'
export { Probe } from './probe.ts'
export { startApp, type StartAppOptions, TestApp, type TestEntry } from './start-app.ts'
