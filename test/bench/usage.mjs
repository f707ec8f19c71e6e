/** Prints at the end of a program what it used: microseconds of the processor, and the peak memory in KiB. */
import { isMainThread } from 'node:worker_threads'

if (isMainThread)
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    process.stderr.write(`usage ${userCPUTime + systemCPUTime} ${maxRSS}\n`)
  })
