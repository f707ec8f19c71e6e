/**
 * Starts the command line. The compile cache only serves modules that are loaded after it was enabled. `exec` loads
 * only what it needs, so that programs start without a delay.
 */
import { useCompileCache } from '@troupe/core/compile-cache'
import { prepareWorker } from '@troupe/process/prepare'

// The first thread of an application loads while this one loads the kernel.
if (process.argv.includes('run') && !process.argv.includes('--help') && process.argv[2] !== 'exec') prepareWorker()
useCompileCache()
if (process.argv[2] === 'exec') {
  const { exec } = await import('./exec/exec.ts')
  await exec(process.argv.slice(3))
} else {
  const { runProgram } = await import('./program.ts')
  await runProgram(process.argv.slice(2))
}
