/** The functions and processes that are called and started in networks without a thread. */
export function nothing(): void {
  return undefined
}
