/** Methods that may be sent twice without harm (RFC 9110 §9.2.2). */
export const idempotent: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']
