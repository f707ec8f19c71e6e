/** The fixtures. Nothing of Vitest is imported: it only calls them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WrittenEntry } from '@troupe/registry'
import { startApp, type StartAppOptions, type TestApp } from '../test/start-app.ts'

/** Options of {@link appFixture}. */
export interface AppFixtureOptions extends StartAppOptions {
  /**
   * Fields of entries that the test replaces, by entry: `{ 'app:proxy': { port: 9150 } }`. A dot in a name leads into
   * an object.
   */
  readonly override?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Starts the application before the test, and stops it after it. */
export type AppFixture = (context: {}, use: (app: TestApp) => Promise<void>) => Promise<void>

/**
 * The fixtures `app`, and `appOptions`, by which tests change what it is started with: fields of sections, entries by
 * id, and variables by name are laid over those of `appFixtures`; other options replace them.
 */
export interface AppFixtures {
  /** What the application is started with; tests override it. */
  readonly appOptions: AppFixtureOptions
  /** The application. */
  readonly app: (
    context: { readonly appOptions: AppFixtureOptions },
    use: (app: TestApp) => Promise<void>,
  ) => Promise<void>
}

/**
 * Returns a fixture that starts an application like `startApp`, with a state folder of its own, and stops it.
 *
 * @example
 * ```ts
 * import type { TestApp } from 'troupe/test'
 * import { test } from 'vitest'
 *
 * const it = test.extend<{ app: TestApp }>({ app: appFixture({ root: '.' }) })
 * // One for all tests of the file:
 * const its = test.extend<{ app: TestApp }>({ app: [appFixture({ root: '.' }), { scope: 'file' }] })
 * ```
 *
 * @throws TroupeError like `startApp`, before the test.
 */
export function appFixture(options: AppFixtureOptions = {}): AppFixture {
  // Vitest reads the names of other fixtures from the first parameter: there are none.
  // oxlint-disable-next-line eslint/no-empty-pattern
  return async ({}, use) => withApp(options, use)
}

/**
 * Returns {@link appFixture} as `app`, and `appOptions`, which tests override.
 *
 * @example
 * ```ts
 * import { describe, test } from 'vitest'
 *
 * const it = test.extend(appFixtures({ root: '.' }))
 * describe('when the proxy is down', () => {
 *   it.override({ appOptions: { override: { 'app:proxy': { port: 1 } } } })
 * })
 * ```
 */
export function appFixtures(options: AppFixtureOptions = {}): AppFixtures {
  return {
    appOptions: {},
    app: async ({ appOptions }, use) => withApp(merged(options, appOptions), use),
  }
}

/** The second wins: by field of a section, by id of an entry, and by name of a variable. */
function merged(first: AppFixtureOptions, second: AppFixtureOptions): AppFixtureOptions {
  const { override: _, ...options } = { ...first, ...second }
  return {
    ...options,
    ...(first.sections && second.sections && { sections: mergedSections(first.sections, second.sections) }),
    ...(first.entries && second.entries && { entries: mergedEntries(first.entries, second.entries) }),
    ...(first.variables && second.variables && { variables: { ...first.variables, ...second.variables } }),
    overrides: [...overridesOf(first), ...overridesOf(second)],
    set: [...(first.set ?? []), ...(second.set ?? [])],
  }
}

function mergedSections(first: Sections, second: Sections): Sections {
  const both = Object.entries(second).map(([name, fields]) => [name, mergedFields(first[name], fields)] as const)
  return { ...first, ...Object.fromEntries<unknown>(both) }
}

/** The fields of both, or the second where one of them is not a mapping. */
function mergedFields(first: unknown, second: unknown): unknown {
  return isMapping(first) && isMapping(second) ? { ...first, ...second } : second
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An entry of the second replaces the one of that id. */
function mergedEntries(first: readonly WrittenEntry[], second: readonly WrittenEntry[]): readonly WrittenEntry[] {
  const ids = new Set(second.map(({ id }) => id))
  return [...first.filter(({ id }) => !ids.has(id)), ...second]
}

async function withApp(given: AppFixtureOptions, use: (app: TestApp) => Promise<void>): Promise<void> {
  const { override: _, sections = {}, ...options } = given
  const folder = await mkdtemp(join(tmpdir(), 'troupe-test-'))
  try {
    await using app = await startApp({
      ...options,
      sections: withOwnState(folder, sections),
      overrides: overridesOf(given),
    })
    await use(app)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Sections = Readonly<Record<string, unknown>>

/** Files of its own, unless `sections` name others: tests of several files run at the same time. */
function withOwnState(folder: string, sections: Sections): Sections {
  const own = {
    network_service: { state_dir: join(folder, 'net') },
    process: { later_path: join(folder, 'later.db') },
    registry: { history_path: join(folder, 'registry.db') },
  }
  const section = (name: keyof typeof own): object => {
    const given = sections[name]
    return { ...own[name], ...(typeof given === 'object' ? given : {}) }
  }
  return {
    ...sections,
    network_service: section('network_service'),
    process: section('process'),
    registry: section('registry'),
  }
}

/** All overrides as the command line writes them: JSON is YAML. */
function overridesOf({ override = {}, overrides = [] }: AppFixtureOptions): readonly string[] {
  const own = Object.entries(override).flatMap(([id, fields]) =>
    Object.entries(fields).map(([path, value]) => `${id}:${path}=${JSON.stringify(value)}`),
  )
  return [...overrides, ...own]
}
