/** Where the jobs of a cluster are: one stream, with a subject for each job. */
import { createHash } from 'node:crypto'

/** Texts of any length and with any characters become tokens of one length. */
export function tokenOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** The subjects of a stream of jobs. */
export class JobSubjects {
  readonly #prefix: string

  /** @param prefix - The subject under which all of them are. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** The record of a job. */
  job(queue: string, id: string): string {
    return this.#of('j', queue, id)
  }

  /** Which jobs of a key have begun. */
  key(queue: string, key: string): string {
    return this.#of('k', queue, key)
  }

  /** A part of a large value. */
  part(queue: string, value: string, number: number): string {
    return `${this.#prefix}.b.${tokenOf(queue)}.${value}.${number}`
  }

  /** The schema of a queue's payloads. */
  schema(queue: string): string {
    return `${this.#prefix}.s.${tokenOf(queue)}`
  }

  get schemas(): string {
    return `${this.#prefix}.s.*`
  }

  /** All records that a queue's index is made of. */
  records(queue: string): string {
    return `${this.#prefix}.q.${tokenOf(queue)}.*.*`
  }

  /** Returns whether it is the record of a job or of a key, and its token. */
  read(subject: string): { readonly isJob: boolean; readonly token: string } {
    const [kind = '', token = ''] = subject.split('.').slice(-2)
    return { isJob: kind === 'j', token }
  }

  #of(kind: string, queue: string, name: string): string {
    return `${this.#prefix}.q.${tokenOf(queue)}.${kind}.${tokenOf(name)}`
  }
}
