/** Where a module that takes long to load is reported: the log of the application, once the thread has a runtime. */

const warn = (message: string): void => {
  process.emitWarning(message)
}
let log = warn

/** Reports to `next` from now on; as a warning of Node's when there is none. */
export function setLoadLog(next: ((message: string) => void) | undefined): void {
  log = next ?? warn
}

export function reportLoad(message: string): void {
  log(message)
}
