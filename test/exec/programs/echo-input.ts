/** Prints its arguments and its input; ends with 7. */
process.stdin.on('data', (data) => {
  console.log(process.argv.slice(2).join(), String(data))
  console.error('e')
  process.exitCode = 7
})
