/** What the policies of a scope say together. */
export type Verdict = 'allow' | 'deny' | 'undefined'
