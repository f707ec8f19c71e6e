/** Where the modules are that Node starts for whole programs. */
import { fileURLToPath } from 'node:url'

/** Source files run as they are; built files are JavaScript. */
const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'

/** The module that each process and thread of the program loads before any other. */
export const preloadPath = fileURLToPath(new URL(`./preload${extension}`, import.meta.url))

/** The program that runs commands of a shell. */
export const shellPath = fileURLToPath(new URL(`./shell/main${extension}`, import.meta.url))
