/** Numbers as people read them. */
const second = 1000
const minute = 60
const hour = 3600
const day = 86_400
const unit = 1024

/** `3 s`, `4 min`, `2 h`, `5 d`. */
export function age(since: number, at: number): string {
  const seconds = Math.max(0, Math.round((at - since) / second))
  if (seconds < minute) return `${seconds} s`
  if (seconds < hour) return `${Math.floor(seconds / minute)} min`
  return seconds < day ? `${Math.floor(seconds / hour)} h` : `${Math.floor(seconds / day)} d`
}

/** `812 B`, `1.4 KiB`, `3.0 MiB`. */
export function size(bytes: number): string {
  if (bytes < unit) return `${Math.round(bytes)} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(unit)))
  return `${(bytes / unit ** power).toFixed(1)} ${units[power - 1]}`
}

/** `0`, `0.4`, `12`, `1,200`. */
export function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))
}

/** `12`, `1,200`. */
export function count(number: number): string {
  return number.toLocaleString('en-US')
}

/** `14:03:07`. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

/** `35 %`. */
export function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}
