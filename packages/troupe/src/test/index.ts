/**
 * For the tests of applications: an application in a test, processes that the test controls, and a clock that it
 * advances.
 *
 * @module troupe/test
 */
export { TestClock } from './clock.ts'
export { NetworkProbe, type ProbeMessage } from './network-probe.ts'
export type { NetworkProbeOptions, ProbeOptions } from './probe-options.ts'
export { Probe } from './probe.ts'
export { startApp, type StartAppOptions, TestApp } from './start-app.ts'
export type { WrittenEntry } from '@troupe/registry'
