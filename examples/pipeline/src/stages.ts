/** The primes of a range: how many there are, and the largest one. */
export interface Found {
  readonly count: number
  readonly largest: number
}

/** Computes for a while, in a thread of its pool. */
export function sieve(from: number, to: number): Found {
  let [count, largest] = [0, 0]
  for (let number = Math.max(from, 2); number < to; number += 1) {
    if (!isPrime(number)) continue
    count += 1
    largest = number
  }
  return { count, largest }
}

export function summary(all: readonly Found[]): Found {
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    largest: Math.max(...all.map(({ largest }) => largest)),
  }
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false
  return true
}
