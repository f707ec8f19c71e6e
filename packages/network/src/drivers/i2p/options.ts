/** Options of I2CP whose values have limits, which routers ignore, or refuse without words (I2CP, Options). */

/** Smallest and largest value, by the end of the name. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  length: [0, 7],
  lengthVariance: [-7, 7],
  quantity: [1, 16],
  backupQuantity: [0, 16],
}

/** Returns why the value is impossible; `undefined` if it is possible, or the option is unknown. */
export function optionFault(name: string, value: string): string | undefined {
  const [, what = ''] = /^(?:inbound|outbound)\.(\w+)$/.exec(name) ?? []
  const range = Object.hasOwn(ranges, what) ? ranges[what] : undefined
  if (range === undefined) return undefined
  const [least, most] = range
  const number = Number(value)
  return Number.isInteger(number) && number >= least && number <= most
    ? undefined
    : `expected an integer from ${least} to ${most}`
}
