/** Runs the command of its argument in a shell; prints its output, or why it failed. */
import { execSync } from 'node:child_process'

try {
  console.log(execSync(process.argv[2] ?? '', { stdio: 'pipe' }).toString())
} catch (error) {
  console.log(error instanceof Error ? error.message : error)
}
