/** The source files whose functions run in this thread at least so often: a way through the code, counted by V8. */
import { Session } from 'node:inspector'

let session: Session | undefined

/** From now on V8 counts calls of functions in this thread. */
export function startCounting(): void {
  session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
}

/** Source files with a function that ran at least `least` times since, below `packages/`. */
export function filesCounted(least: number): readonly string[] {
  const files: string[] = []
  session?.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error !== null) throw error
    for (const { url, functions } of coverage.result) {
      const [, file] = url.split('/packages/')
      if (file !== undefined && functions.some(({ ranges: [whole] }) => whole !== undefined && whole.count >= least))
        files.push(file)
    }
  })
  session?.disconnect()
  session = undefined
  return files
}
