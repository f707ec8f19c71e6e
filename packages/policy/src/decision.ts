/** The joint decision of the policies of a scope. */
export type PolicyDecision = 'allow' | 'deny' | 'undefined'
