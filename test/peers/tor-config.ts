/** Configuration of a Tor network on loopback: one directory authority, relays, and a client with an onion service. */

export interface TorNetwork {
  readonly folder: string
  /** Address number `host` of this run. */
  readonly address: (host: number) => string
  /** `host:port` of the DNS server that exits query. */
  readonly dns: string
  /** Port on 127.0.0.1 that the onion service leads to. */
  readonly onionTarget: number
  /** The process whose end ends all of them. */
  readonly owner: number
}

export const authorityHost = 1
export const relayHosts: readonly number[] = [101, 102, 103]
export const clientHost = 200
export const ports = { or: 5000, directory: 7000, socks: 9050, control: 9051, extended: 9052 } as const

function common({ folder, owner }: TorNetwork, name: string): string {
  return `TestingTorNetwork 1
DataDirectory ${folder}/${name}
RunAsDaemon 0
Log notice stdout
SafeLogging 0
ShutdownWaitLength 0
DisableDebuggerAttachment 0
AvoidDiskWrites 1
LearnCircuitBuildTimeout 0
NumCPUs 1
Sandbox 0
__OwningControllerProcess ${owner}
`
}

/**
 * A relay that is also an exit. Its policy must be "accept *:*": with less, the summary in a microdescriptor is "reject
 * 1-65535". Its own address keeps it on loopback: the kernel lets 127/8 connect to nothing else.
 */
export function relayConfig(network: TorNetwork, name: string, host: number): string {
  const address = network.address(host)
  return `${common(network, name)}Nickname ${name}
Address ${address}
ORPort ${address}:${ports.or} IPv4Only
SocksPort 0
ExtORPort 0
ExitRelay 1
ExitPolicyRejectPrivate 0
ExitPolicy accept *:*
IPv6Exit 1
OutboundBindAddress ${address}
OutboundBindAddress [::1]
AddressDisableIPv6 1
ContactInfo none
PublishServerDescriptor 1
AssumeReachable 1
BandwidthRate 1 GBytes
BandwidthBurst 1 GBytes
DoSCircuitCreationEnabled 0
DoSConnectionEnabled 0
ServerDNSDetectHijacking 0
ServerDNSTestAddresses
ServerDNSAllowBrokenConfig 1
ServerDNSResolvConfFile ${network.folder}/resolv.conf
ServerDNSRandomizeCase 0
`
}

/** The shortest allowed intervals; the first vote is `votingOffset` seconds off a multiple of five. */
export function authorityConfig(network: TorNetwork, name: string, votingOffset: number): string {
  const directory = `${network.address(authorityHost)}:${ports.directory}`
  return `${relayConfig(network, name, authorityHost)}DirPort ${directory} IPv4Only
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 100
TestingV3AuthVotingStartOffset ${votingOffset}
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
TestingAuthDirTimeToLearnReachability 0
MinMeasuredBWsForAuthToIgnoreAdvertised 0
AuthDirTestReachability 0
ConsensusParams cc_alg=2
`
}

/** The SOCKS port on a Unix socket. */
export function socksPath({ folder }: TorNetwork, name: string): string {
  return `${folder}/${name}/socks`
}

export function clientConfig(network: TorNetwork, name: string): string {
  const address = network.address(clientHost)
  return `${common(network, name)}ORPort 0
OutboundBindAddress ${address}
FetchDirInfoEarly 1
FetchDirInfoExtraEarly 1
SocksPort ${address}:${ports.socks}
SocksPort ${address}:${ports.extended} ExtendedErrors
SocksPort unix:${socksPath(network, name)}
ControlPort ${address}:${ports.control}
CookieAuthentication 1
CookieAuthFile ${network.folder}/${name}/cookie
ClientRejectInternalAddresses 0
ClientDNSRejectInternalAddresses 0
TestSocks 0
SafeSocks 0
ConfluxEnabled 0
UseEntryGuards 1
HiddenServiceDir ${network.folder}/${name}/onion
HiddenServicePort 80 127.0.0.1:${network.onionTarget}
`
}
