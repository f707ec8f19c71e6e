/**
 * Targets whose input is one text, so that it can be saved and replayed: random texts are made of pieces that mean
 * something to the parser.
 */
import fc from 'fast-check'

/** The number of characters of an input that are printed; all of it is saved. */
const shown = 2000

/** An input that violates a rule. */
export class BadInput extends Error {
  readonly input: string

  constructor(input: string, cause: unknown) {
    super(
      `${cause instanceof Error ? cause.message : String(cause)}\ninput: ${JSON.stringify(input).slice(0, shown)}`,
      { cause },
    )
    this.input = input
  }
}

export interface Runs {
  readonly runs: number
}

export interface TextTarget {
  /** Runs for about that many seconds. @throws BadInput */
  readonly fuzz: (seconds: number, seed: number) => Promise<Runs>
  /** Runs one input of the corpus. @throws BadInput */
  readonly replay: (input: string) => Promise<void>
}

export interface TextTargetOptions {
  /** The pieces of inputs, in addition to random text. */
  readonly pieces: readonly string[]
  readonly maxPieces?: number
  /** Characters of the random text. @default any code units */
  readonly unit?: 'binary' | fc.Arbitrary<string>
  /** Throws when a rule is violated. */
  readonly check: (input: string) => unknown
}

/**
 * The maximum milliseconds for an input of some kilobytes, also on a slow machine: a longer time means that the cost
 * grows faster than the input.
 */
const longest = 5000

export function textTarget({ pieces, maxPieces = 24, unit = 'binary', check }: TextTargetOptions): TextTarget {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ maxLength: 5, unit }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...pieces), fc.integer({ min: 2, max: 400 }))
        .map(([text, times]) => text.repeat(times)),
    },
  )
  const input = fc.array(piece, { maxLength: maxPieces }).map((parts) => parts.join(''))
  return target(input, timed(check))
}

/** A target of inputs of another kind, which are saved as JSON. */
export function jsonTarget<Input>({ input, read, check }: JsonTargetOptions<Input>): TextTarget {
  return target(
    input.map((value) => JSON.stringify(value)),
    async (text) => check(read(JSON.parse(text))),
  )
}

export interface JsonTargetOptions<Input> {
  /** Of plain data. */
  readonly input: fc.Arbitrary<Input>
  /** Parses what was saved. @throws for invalid data */
  readonly read: (saved: unknown) => Input
  /** Throws when a rule is violated. */
  readonly check: (input: Input) => unknown
}

function target(input: fc.Arbitrary<string>, check: (text: string) => unknown): TextTarget {
  const replay = async (text: string): Promise<void> => {
    try {
      await check(text)
    } catch (error) {
      throw new BadInput(text, error)
    }
  }
  return { replay, fuzz: async (seconds, seed) => search(fc.asyncProperty(input, replay), seconds, seed) }
}

/** Runs the check, and verifies that it takes no longer than {@link longest}. */
function timed(check: (text: string) => unknown): (text: string) => Promise<void> {
  return async (text) => {
    const start = performance.now()
    await check(text)
    const took = performance.now() - start
    if (took > longest) throw new Error(`${text.length} characters took ${Math.round(took)} ms`)
  }
}

/** Searches for inputs that violate a property, for about that many seconds. */
async function search<Input>(property: fc.IAsyncProperty<Input>, seconds: number, seed: number): Promise<Runs> {
  const { failed, numRuns, errorInstance } = await fc.check(property, {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    plugins: [fc.interruptAfterTimeLimit(seconds * 1000, { failOnInterrupt: false })],
  })
  if (errorInstance instanceof Error) throw errorInstance
  if (failed) throw new Error(`a run did not end: after ${numRuns} runs the time was over`)
  return { runs: numRuns }
}
