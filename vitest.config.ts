import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Tests start threads and count what they leave behind: each file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'] },
      },
      {
        extends: true,
        test: { name: 'peers', include: ['test/**/*.test.ts'], globalSetup: ['test/peers/global-setup.ts'] },
      },
    ],
  },
})
