/** The program of the sample process that warms up a thread. */
export function main(): void {}
