/**
 * What happened lately: lines of the log, and changes of services. A service may fail and run again between two looks.
 */
import type { ServiceStatus } from '@troupe/process/kernel'
import { type ObservedService, observedService } from '../observation.ts'
import { Tail } from './tail.ts'

const longestLine = 4096

/** Observes an application from its start on. */
export class DashboardHistory {
  /** Lines as they were written: without secrets. */
  readonly lines = new Tail<{ readonly text: string }>()
  readonly changes = new Tail<ObservedService>()
  readonly #secrets: () => ReadonlySet<string>

  /** @param secrets - Those of the application. */
  constructor(secrets: () => ReadonlySet<string>) {
    this.#secrets = secrets
  }

  /** Gets a line of the log. */
  add(line: string): void {
    this.lines.add({ text: line.slice(0, longestLine) })
  }

  /** A service of the application has changed its state. */
  readonly changed = (status: ServiceStatus): void => {
    this.changes.add(observedService(status, this.#secrets()))
  }
}
