/**
 * Overrides members of the platform's classes. Its types declare them as fields, so that a class cannot override them
 * by its own syntax.
 */

type Member<T> = (self: T) => unknown

/** Defines getters and methods without arguments on a prototype, like the platform's own. */
export function override<T extends object>(
  prototype: T,
  {
    getters = {},
    methods = {},
  }: { getters?: Readonly<Record<string, Member<T>>>; methods?: Readonly<Record<string, Member<T>>> },
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
 * The platform's own `Response`. Where the HTTP server runs, its library has replaced it by a class that keeps its
 * constructor arguments. That class sends them, even if a subclass overrides the body
 * (`docs/discoveries/0062-the-response-of-hono.md`).
 */
export const PlatformResponse: typeof Response = platformOf(Response)

/**
 * A class with the prototype of the platform's own `Response`, whose constructor does nothing: that of the platform
 * converts its arguments and creates `Headers` and a state. A subclass overrides all members.
 */
export function lightResponse(): typeof Response {
  function constructed(): void {}
  Object.setPrototypeOf(constructed, PlatformResponse)
  Reflect.set(constructed, 'prototype', PlatformResponse.prototype)
  const light: unknown = constructed
  return isResponseClass(light) ? light : PlatformResponse
}

function platformOf(response: typeof Response): typeof Response {
  const below: unknown = Object.getPrototypeOf(response)
  return isResponseClass(below) ? below : response
}

function isResponseClass(value: unknown): value is typeof Response {
  return typeof value === 'function' && 'redirect' in value
}
