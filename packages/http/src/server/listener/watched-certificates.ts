/** Certificates that follow their files. */
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { asTroupeError, type TroupeError, startTimer, stopTimer, type Timer } from '@troupe/core'
import { type Certificates, certificateFiles, readCertificates, type TlsFields } from './tls.ts'

export interface CertificateEvents {
  readonly use: (certificates: Certificates) => void
  readonly onRenewed: () => void
  /** What is there now cannot be used. */
  readonly onFailed: (error: TroupeError) => void
}

/** Milliseconds of quiet after a change: certificate and key are written one after the other. */
const calm = 200

export class WatchedCertificates implements Disposable {
  readonly #fields: TlsFields
  readonly #events: CertificateEvents
  readonly #watchers: readonly FSWatcher[]
  #present: string
  #timer: Timer | undefined

  constructor(fields: TlsFields, events: CertificateEvents) {
    this.#fields = fields
    this.#events = events
    this.#present = JSON.stringify(readCertificates(fields))
    // Files are replaced more often than written, and links to them exchanged: their folders see both.
    const folders = new Set(certificateFiles(fields).map((file) => dirname(file)))
    this.#watchers = [...folders].flatMap((folder) => this.#watch(folder))
  }

  /** Where a folder cannot be watched, its certificates stay as they are. */
  #watch(folder: string): readonly FSWatcher[] {
    try {
      const watcher = watch(folder, () => {
        stopTimer(this.#timer)
        this.#timer = startTimer(() => this.#look(), calm)
      })
      watcher.on('error', (error) => this.#events.onFailed(asTroupeError(error)))
      return [watcher]
    } catch (error) {
      this.#events.onFailed(asTroupeError(error))
      return []
    }
  }

  /** Puts them in force as they are. */
  renew(): void {
    this.#events.use(readCertificates(this.#fields))
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timer)
    for (const watcher of this.#watchers) watcher.close()
  }

  #look(): void {
    try {
      const certificates = readCertificates(this.#fields)
      const text = JSON.stringify(certificates)
      if (text === this.#present) return
      this.#events.use(certificates)
      this.#present = text
      this.#events.onRenewed()
    } catch (error) {
      this.#events.onFailed(asTroupeError(error))
    }
  }
}
