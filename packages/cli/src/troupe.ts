#!/usr/bin/env node
/** The program `troupe`. */
import { main } from './main.ts'

process.exitCode = await main(process.argv.slice(2))
// What the application left open in this thread does not hold the program up.
setTimeout(() => process.exit(), 1_000).unref()
