/** Why connections are asked to end. */

export const serviceStops = 'the service stops'

/** The kernel asks so when a token is revoked. */
export const tokenRevoked = 'its token was revoked'
