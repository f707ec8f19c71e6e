/** A `tracestate` for the API of OpenTelemetry, which has only the interface of one. */
import type { TraceState } from '@opentelemetry/api'

/** The members of a `tracestate`, in their order. */
class MemberList implements TraceState {
  readonly #members: readonly (readonly [key: string, value: string])[]

  constructor(members: readonly (readonly [key: string, value: string])[]) {
    this.#members = members
  }

  get(key: string): string | undefined {
    return this.#members.find(([name]) => name === key)?.[1]
  }

  /** A member that was changed comes first (W3C Trace Context, 3.5). */
  set(key: string, value: string): MemberList {
    return new MemberList([[key, value], ...this.#others(key)])
  }

  unset(key: string): MemberList {
    return new MemberList(this.#others(key))
  }

  serialize(): string {
    return this.#members.map(([key, value]) => `${key}=${value}`).join(',')
  }

  #others(key: string): readonly (readonly [string, string])[] {
    return this.#members.filter(([name]) => name !== key)
  }
}

/** Reads a `tracestate`; what is no member of it is left out. */
export function parseTraceState(text: string): MemberList {
  return new MemberList(
    text.split(',').flatMap((member) => {
      const at = member.indexOf('=')
      const [key, value] = [member.slice(0, Math.max(0, at)).trim(), member.slice(at + 1).trim()]
      return key === '' || value === '' || /\s/.test(key) ? [] : [[key, value] as const]
    }),
  )
}
