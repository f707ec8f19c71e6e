/** The options of `start`: an application without YAML. Fields have the names that they have in YAML. */
import type { EntryId } from '@troupe/core'
import type { functionKind } from '@troupe/functions/kernel'
import type { i2pKind, socks5Kind, tailscaleKind } from '@troupe/network/kernel'
import type { securityExpression, securityPolicy } from '@troupe/policy/kernel'
import type { hostKind, serviceKind } from '@troupe/process/kernel'
import type { ConfigInput, EntryMeta, Kind, WrittenEntry } from '@troupe/registry'
import type { z } from 'zod'

type SnakeCase<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${SnakeCase<Rest>}`
    : `_${Lowercase<First>}${SnakeCase<Rest>}`
  : ''

/** A type of values as YAML writes them: keys in snake case, ids as plain strings. */
export type AsWritten<Value> = Value extends EntryId
  ? string
  : Value extends readonly (infer Item)[]
    ? readonly AsWritten<Item>[]
    : Value extends object
      ? {
          readonly [Key in keyof Value as Key extends string
            ? string extends Key
              ? Key
              : SnakeCase<Key>
            : Key]: AsWritten<Value[Key]>
        }
      : Value

/** The fields of an entry of a kind, as YAML writes them. */
export type FieldsAsWritten<K extends Kind> = AsWritten<z.input<K['fields']>>

type HostFields = z.input<(typeof hostKind)['fields']>
type ServiceFields = FieldsAsWritten<typeof serviceKind>

/**
 * A network: the URL of a SOCKS5 proxy (`socks5://user:password@host:port`, `socks5+unix:/path`), or the fields of its
 * entry, with its `kind`. Passwords and keys become secret variables: no entry contains them.
 */
export type NetworkOptions =
  | string
  | URL
  | ({ readonly kind: 'network.socks5' } & FieldsAsWritten<typeof socks5Kind>)
  | ({ readonly kind: 'network.tailscale' } & FieldsAsWritten<typeof tailscaleKind>)
  | ({ readonly kind: 'network.i2p' } & FieldsAsWritten<typeof i2pKind>)

/** A host: the fields of `host` of its entry, and `lifecycle`. It starts with the application. */
export type HostOptions = Omit<AsWritten<NonNullable<HostFields['host']>>, 'resource_limits'> & {
  /** Under Node's own names: `maxOldGenerationSizeMb`. */
  readonly resource_limits?: NonNullable<HostFields['host']>['resourceLimits']
  /** When it starts and stops. */
  readonly lifecycle?: AsWritten<HostFields['lifecycle']>
}

/** Where code is, and in which network it runs. */
export interface CodeOptions {
  /** The module: `new URL('./images.ts', import.meta.url)`. */
  readonly source: URL | string
  /** Name of the exported function. @default `handler` of functions, `main` of services */
  readonly method?: string
  /** Name of one of the networks, or id of a network; `null` for the clear network. @default the caller's */
  readonly network?: string | null
  /** `meta` of the entry. */
  readonly meta?: EntryMeta
}

/** A function, for `funcs.call('app:<name>')`. */
export interface FunctionOptions extends CodeOptions {
  /** Its threads, or `inline`: the caller's thread. */
  readonly pool?: FieldsAsWritten<typeof functionKind>['pool']
}

/** A process that a supervisor starts, and restarts when it fails. It starts with the application. */
export interface ServiceOptions
  extends CodeOptions,
    Pick<ServiceFields, 'input' | 'name' | 'accepts' | 'lifecycle' | 'replicas'> {
  /** Name of one of the hosts, or id of a host. @default a thread of its own */
  readonly host?: string
  /** The same as `lifecycle.restart`. */
  readonly restart?: NonNullable<ServiceFields['lifecycle']>['restart']
}

/** A policy; with an `expression`, one of the kind `security.policy.expr`. */
export type PolicyOptions = FieldsAsWritten<typeof securityPolicy> | FieldsAsWritten<typeof securityExpression>

/** Options of `start`. Names become entries `app:<name>`. */
export interface StartOptions {
  /** Networks by name: a URL such as `socks5://127.0.0.1:9050`, or the fields of a `network.*` entry. */
  readonly networks?: Readonly<Record<string, NetworkOptions>>
  /** Hosts by name: where processes run. */
  readonly hosts?: Readonly<Record<string, HostOptions>>
  /** Functions by name, for `funcs.call('app:<name>')`. */
  readonly functions?: Readonly<Record<string, FunctionOptions>>
  /** Services by name: supervised processes. */
  readonly services?: Readonly<Record<string, ServiceOptions>>
  /** Policies by name. */
  readonly policies?: Readonly<Record<string, PolicyOptions>>
  /** Entries of any kind, in addition. */
  readonly entries?: readonly WrittenEntry[]
  /**
   * The folder to which the files of `entries`, and the state of networks, are relative.
   *
   * @default the current folder
   */
  readonly root?: string
  /** Sections as in `.troupe.yaml`; no file is read. */
  readonly config?: AsWritten<ConfigInput>
  /**
   * The network of this program itself: one of the networks, or `null` for the clear network. It applies to all code in
   * this thread until the thread ends.
   *
   * @default `config.network_service.default_network`, else the clear network
   */
  readonly network?: string | null
  /**
   * Whether code of the program outside of `app.run` acts in this application. If several have it, such code is
   * refused. A library that starts an application for itself sets `false`.
   *
   * @default true
   */
  readonly ambient?: boolean
  /** Receives log lines. @default stderr */
  readonly onLog?: (line: string) => void
}
