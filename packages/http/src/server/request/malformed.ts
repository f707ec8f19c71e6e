/** Malformed bodies: the client's mistake, not the handler's. */

const malformed = new WeakSet<object>()
const readers = ['json', 'formData'] as const

/** Returns whether an error means that the body of a request is malformed. */
export function isMalformed(error: unknown): boolean {
  return typeof error === 'object' && error !== null && malformed.has(error)
}

/** From here on, errors that this request throws for a malformed body differ from those of handlers. */
export function noteMalformed(request: Request): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  for (const name of readers) {
    // hono's class has these as properties that cannot be set.
    Object.defineProperty(request, name, { configurable: true, writable: true, value: noting(request, name) })
  }
}

function noting(request: Request, name: (typeof readers)[number]): () => Promise<unknown> {
  const read: unknown = Reflect.get(request, name)
  return async () => {
    try {
      const value: unknown = typeof read === 'function' ? await Reflect.apply(read, request, []) : undefined
      return value
    } catch (error) {
      const isMistake =
        error instanceof SyntaxError || (name === 'formData' && error instanceof TypeError && !/unusable|locked/i.test(error.message))
      if (isMistake) malformed.add(error)
      throw error
    }
  }
}
