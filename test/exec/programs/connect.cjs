/** Connects to an address for documentation, and prints how that ends, and through what. */
const { writeSync } = require('node:fs')
const { connect } = require('node:net')

connect(80, '203.0.113.7').on('error', ({ code, message }) => {
  writeSync(1, `${code} ${message.includes('overlay exec:proxy')}\n`)
})
