/** For the tests of applications: an application in a test, processes in the test's hands, and time that stands still. */
export { TestClock } from './clock.ts'
export { Probe, type ProbeOptions } from './probe.ts'
export { startApp, type StartAppOptions, TestApp, type TestEntry } from './start-app.ts'
