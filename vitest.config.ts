import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Tests start threads and count what they leave behind: each file gets a process of its own.
    pool: 'forks',
    // Tests of peers wait more than they compute: three at a time keep two cores busy.
    maxWorkers: 3,
    setupFiles: ['scripts/test-setup.ts'],
    // Time enough for a busy machine; what is waited for has an event.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', './scripts/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
          // What waits for peers, for more than a minute in all.
          exclude: ['packages/*/src/**/*.peers.test.ts', 'scripts/*.peers.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'peers',
          include: ['test/**/*.test.ts', 'packages/*/src/**/*.peers.test.ts', 'scripts/*.peers.test.ts'],
          exclude: ['test/networks/**'],
          globalSetup: ['test/peers/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'networks',
          include: ['test/networks/*.test.ts'],
          globalSetup: ['test/networks/install-clients.ts'],
        },
      },
    ],
  },
})
