/** The reasons for which connections are asked to end. */

export const serviceStops = 'the service stops'

/** The kernel uses these when a token is revoked, or has expired. */
export const tokenRevoked = 'its token was revoked'
export const tokenExpired = 'its token has expired'
