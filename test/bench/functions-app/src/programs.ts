/** The processes of the function benchmark. Each returns its calls per second, one after the other. */
import { funcs } from 'troupe'

export async function plain(id: string, count: number): Promise<number> {
  return rate(count, async (i) => funcs.call(id, { a: i, b: 1 }))
}

/** Chooses the overlay again for each call, as code that handles one request does. */
export async function throughOverlay(id: string, count: number): Promise<number> {
  return rate(count, async (i) => funcs.withOptions({ network: 'bench:proxy' }).call(id, { a: i, b: 1 }))
}

async function rate(count: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < count; i += 1) await call(i)
  return (count / (performance.now() - start)) * 1000
}
