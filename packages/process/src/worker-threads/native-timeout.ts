/** Milliseconds that native work may go on in a thread that is to end. */
export const nativePatience = 10_000
