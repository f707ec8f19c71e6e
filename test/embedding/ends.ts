/** What each of several attempts ended with. */
export type Ended = Readonly<Record<string, string>>

/** Longer than any of them waits for a name that nobody resolves. */
const patience = 4000

/** `done`, `late`, or the code of the error, by the names of the attempts. */
export async function endsOf(attempts: Readonly<Record<string, () => Promise<unknown>>>): Promise<Ended> {
  const ends = await Promise.all(Object.entries(attempts).map(async ([name, attempt]) => [name, await endOf(attempt)] as const))
  return Object.fromEntries(ends)
}

async function endOf(attempt: () => Promise<unknown>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(resolve, patience, 'late')
  const tried = (async () => attempt())()
  const end = tried.then(
    () => 'done',
    (error: unknown) => codeOf(error) ?? String(error),
  )
  try {
    return await Promise.race([end, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The code of an error, or of what caused it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause)
}
