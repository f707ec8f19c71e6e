/** In place of a reply: the call rejects with this error. */
export class Refusal {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}
