export const main = 5
export function other() {}
