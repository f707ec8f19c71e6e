/** Milliseconds for which native work may continue in a thread that is to end. */
export const nativePatience = 10_000
