/** Node loads this module first in each process and thread of a whole program (`--require`). */
import { enterProgram } from './enter.ts'

enterProgram()
