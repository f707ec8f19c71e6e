/**
 * Fixtures for `test.extend` of Vitest: an application for each test, or for each file.
 *
 * @module troupe/vitest
 */
export { type AppFixture, appFixture, type AppFixtures, appFixtures, type AppFixtureOptions } from './fixtures.ts'
