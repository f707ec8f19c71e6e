/** Where a connection should go. Names are passed on as names; nothing is resolved on this side. */
export interface Target {
  /** A host name, or an IPv4 or IPv6 literal (without brackets). */
  readonly host: string
  /** 1 to 65535 */
  readonly port: number
}
