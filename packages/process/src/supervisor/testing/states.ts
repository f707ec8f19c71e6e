/** The states that services went through, and a way to wait for one. */
import type { ServiceState, ServiceStatus } from '../../service/service.ts'

export class States {
  readonly seen: string[] = []
  readonly #waiting: (() => void)[] = []

  readonly record = ({ id, state }: Pick<ServiceStatus, 'id' | 'state'>) => {
    this.seen.push(`${id} ${state}`)
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** Settles when `id` has come to `state` for the `times`th time. */
  async until(id: string, state: ServiceState, times = 1): Promise<void> {
    while (this.of(id).filter((seen) => seen === state).length < times) {
      await new Promise<void>((resume) => {
        this.#waiting.push(resume)
      })
    }
  }

  /** The states of one service, in order. */
  of(id: string): readonly string[] {
    return this.seen.filter((line) => line.startsWith(`${id} `)).map((line) => line.slice(id.length + 1))
  }
}
