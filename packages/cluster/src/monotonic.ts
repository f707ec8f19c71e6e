/** The machine's monotonic clock, in milliseconds: the same for all threads and programs. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
