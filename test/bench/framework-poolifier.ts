/** The worker of a pool of poolifier. */
import { ThreadWorker } from 'poolifier'
import add from './functions-app/src/add.ts'

export default new ThreadWorker<{ a: number; b: number }, number>((data) => add(data ?? { a: 0, b: 0 }))
