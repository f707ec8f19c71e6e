/** Checks the messages of a process against their declaration. */
import { invalid } from '@troupe/core'
import { isSchema, validated } from './schema.ts'

/** Checks messages where they enter or leave a process. Topics without validators are not checked. */
export class Protocol {
  readonly #messages: object

  /** @param messages - An object with `payload` and `reply` by topic. */
  constructor(messages: object) {
    this.#messages = messages
  }

  /**
   * @throws TroupeError `Invalid` for an unknown topic, and for a payload that does not fit: with the words of the
   *   validator, and the paths in `details.paths`.
   */
  async payload(topic: string, value: unknown): Promise<unknown> {
    return this.#checked(topic, 'payload', value)
  }

  /** @throws TroupeError `Invalid` like {@link Protocol.payload}, for a reply. */
  async reply(topic: string, value: unknown): Promise<unknown> {
    return this.#checked(topic, 'reply', value)
  }

  async #checked(topic: string, part: 'payload' | 'reply', value: unknown): Promise<unknown> {
    if (!Object.hasOwn(this.#messages, topic)) {
      throw invalid(`there is no message "${topic}" (there are ${Object.keys(this.#messages).join(', ')})`, { topic })
    }
    const parts: unknown = Reflect.get(this.#messages, topic)
    const schema: unknown = typeof parts === 'object' && parts !== null ? Reflect.get(parts, part) : undefined
    if (!isSchema(schema)) return value
    const outcome = await validated(schema, value)
    if ('value' in outcome) return outcome.value
    const { wrong, paths } = outcome
    throw invalid(`message "${topic}": ${part}: ${wrong}`, { topic, paths })
  }
}
