/** All ways out, as an application's code tries them. */
import { http } from 'troupe'
import { outcomesOf, waysOut } from './ways-out.ts'

export async function leave(): Promise<unknown> {
  return outcomesOf({ ...waysOut, 'http.get': async () => http.get('http://leak.test/') })
}
