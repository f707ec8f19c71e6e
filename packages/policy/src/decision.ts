/** What the policies of a scope say together. */
export type PolicyDecision = 'allow' | 'deny' | 'undefined'
