/** An invalid command line: printed with a hint, and ended with status 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}
