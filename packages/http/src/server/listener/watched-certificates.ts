/** Certificates that are reloaded when their files change. */
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { asTroupeError, type TroupeError, startTimer, stopTimer, type Timer } from '@troupe/core'
import { type Certificates, certificateFiles, readCertificates, type TlsFields } from './tls.ts'

export interface CertificateEvents {
  readonly use: (certificates: Certificates) => void
  readonly onRenewed: () => void
  /** Called when the current files cannot be used. */
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
    // Files are more often replaced than written, and links to them are exchanged: watching their folders detects both.
    const folders = new Set(certificateFiles(fields).map((file) => dirname(file)))
    this.#watchers = [...folders].flatMap((folder) => this.#watch(folder))
  }

  /** Where a folder cannot be watched, its certificates are not reloaded. */
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

  /** Loads and applies the current certificates. */
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
