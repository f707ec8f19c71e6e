/** Closes the descriptor of the plan, then starts a program: prints what became of it. */
import { spawnSync } from 'node:child_process'
import { closeSync } from 'node:fs'

closeSync(199)
try {
  const { error } = spawnSync(process.execPath, ['-e', 'console.log(1)'])
  console.log(error !== undefined && 'code' in error ? error.code : 'started')
} catch (error) {
  console.log(String(error))
}
