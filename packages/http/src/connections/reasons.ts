/** Why connections are asked to end. */

export const serviceStops = 'the service stops'

/** The kernel asks so when a token is revoked, or has expired. */
export const tokenRevoked = 'its token was revoked'
export const tokenExpired = 'its token has expired'
