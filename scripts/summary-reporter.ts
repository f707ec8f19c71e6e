/**
 * Prints the result of the run as its very last line: `tests: 12 passed, 0 failed`. Anything that could not run (a file
 * that does not load, a hook or a global setup that throws, an uncaught error) counts as failed. A run that is ended
 * by a signal names the files that it was running.
 */
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

interface Counts {
  passed: number
  failed: number
}

export default class SummaryReporter implements Reporter {
  readonly #counts: Counts = { passed: 0, failed: 0 }
  readonly #running = new Map<string, number>()
  #ended = false

  onInit(): void {
    // Written at exit, because other reporters and a slow shutdown still print after the end of the run.
    process.once('exit', (code) => {
      const { passed, failed } = this.#counts
      const broken = code !== 0 || !this.#ended
      if (broken && code === 0) process.exitCode = 1
      process.stdout.write(`\n${summaryLine({ passed, failed: broken ? Math.max(failed, 1) : failed })}\n`)
    })
    process.once('SIGTERM', () => {
      process.stdout.write(`\n${runningLines(this.#running, Date.now())}`)
      process.exit(143)
    })
  }

  onTestModuleStart({ moduleId }: TestModule): void {
    this.#running.set(moduleId, Date.now())
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.moduleId)
    const { passed, failed } = count([module], [])
    this.#counts.passed += passed
    this.#counts.failed += failed
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    Object.assign(this.#counts, count(modules, unhandledErrors))
    this.#ended = true
  }
}

/** The line itself. */
export function summaryLine({ passed, failed }: Counts): string {
  return `tests: ${passed} passed, ${failed} failed`
}

/** Names the files that run, and for how long: `file` to the time of its start in milliseconds. */
export function runningLines(running: ReadonlyMap<string, number>, now: number): string {
  return [...running]
    .map(([file, start]) => `ended after ${Math.round((now - start) / 1000)} s: ${relative(process.cwd(), file)}\n`)
    .join('')
}

/** The counted parts of a module. */
export type CountedModule = Pick<TestModule, 'errors' | 'children'>

/** Counts tests by their state, and one failure for each error outside of a test. */
export function count(modules: readonly CountedModule[], unhandledErrors: readonly unknown[]): Counts {
  const counts: Counts = { passed: 0, failed: unhandledErrors.length }
  for (const module of modules) {
    counts.failed += module.errors().length
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed++
      if (state === 'failed') counts.failed++
    }
  }
  return counts
}
