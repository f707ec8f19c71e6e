/** Hooks of modules, which run in a thread of their own: prints how a connection from there ends. */
import { writeSync } from 'node:fs'
import { connect } from 'node:net'

export async function initialize(): Promise<void> {
  await new Promise((resolve) => {
    connect(80, 'web.test').on('error', ({ message }) => {
      writeSync(2, message)
      resolve(undefined)
    })
  })
}
