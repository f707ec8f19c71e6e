/** Members of the platform's classes, which its types call fields, so that a class of ours cannot override them by its own syntax. */

type Member<T> = (self: T) => unknown

/** Defines getters and methods without arguments on a prototype, as the platform's own are. */
export function override<T extends object>(
  prototype: T,
  { getters = {}, methods = {} }: { getters?: Readonly<Record<string, Member<T>>>; methods?: Readonly<Record<string, Member<T>>> },
): void {
  for (const [name, member] of Object.entries(getters)) {
    const get = function get(this: T) {
      return member(this)
    }
    Object.defineProperty(prototype, name, { get, enumerable: true, configurable: true })
  }
  for (const [name, member] of Object.entries(methods)) {
    const value = function value(this: T) {
      return member(this)
    }
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: true, configurable: true })
  }
}

/**
 * The platform's own `Response`. Where the HTTP server runs, its library has put a class in place of it that keeps what it was made of, and sends
 * that, whatever a class on top of it says (`docs/discoveries/0062-the-response-of-hono.md`).
 */
export const PlatformResponse: typeof Response = platformOf(Response)

function platformOf(response: typeof Response): typeof Response {
  const below: unknown = Object.getPrototypeOf(response)
  return isResponseClass(below) ? below : response
}

function isResponseClass(value: unknown): value is typeof Response {
  return typeof value === 'function' && 'redirect' in value
}
