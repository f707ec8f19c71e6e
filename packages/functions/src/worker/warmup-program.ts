/** The function of the sample call that warms up a thread. */
export function main(): void {}
