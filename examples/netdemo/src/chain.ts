/** This code does not mention networks: the caller that spawned this process chose one for all of it. */
import { funcs, processes } from 'troupe'
import { request } from './request.ts'

export async function main(url: string) {
  const own = await request(url)
  const child = await processes.exec('app:probe', 'app:threads', url)
  const called = await funcs.call('app:ask', url)
  return { own, child, called }
}
