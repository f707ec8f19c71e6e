import type { NewJob } from '../driver/driver.ts'

/** A job of the queue `app:mail` that may run at once. */
export function jobOf(id: string, fields: Partial<NewJob> = {}): NewJob {
  const body = new TextEncoder().encode(`body of ${id}`)
  return { queue: 'app:mail', id, body, priority: 0, key: undefined, due: 0, ...fields }
}
