/**
 * The entries of the application, for the compiler. Empty here: the `entries.d.ts` that `troupe types` writes extends
 * these interfaces under the name `troupe`, which re-exports them. Entries in code are in {@link Registered}.
 */
import type { FunctionsIn, KindsIn, MessagesIn, NamesIn, ProcessesIn } from './entries-in-code.ts'
import type { MessagesOfPid, Pid } from './id.ts'
import type { AnyMessages, Accepted, MessagesOf } from './messages.ts'

export type { ModuleUrl } from './entries-in-code.ts'

/** The functions that `funcs.call` knows: their types by the ids of their entries. */
export interface FunctionEntries {}

/**
 * The processes that `processes.spawn` and similar calls know: the types of their main functions by the ids of their
 * entries.
 */
export interface ProcessEntries {}

/** The messages that processes accept, by the ids of their entries. */
export interface ProcessMessages {}

/** The messages that services accept, by the names under which `processes.send` finds them. */
export interface ProcessNames {}

/** The kinds of all entries, by their ids. If there are any, the compiler refuses other ids that are not computed. */
export interface EntryKinds {}

/**
 * The application that code defines with `start`.
 *
 * @example
 * ```ts
 * const source = new URL('./counter.ts', import.meta.url)
 * const options = { services: { counter: { source } } } as const satisfies StartOptions
 *
 * declare module 'troupe' {
 *   interface Registered {
 *     app: typeof options
 *   }
 * }
 * ```
 */
export interface Registered {}

type InCode = Registered extends { readonly app: infer Options } ? Options : unknown
type Functions = FunctionEntries & FunctionsIn<InCode>
type Processes = ProcessEntries & ProcessesIn<InCode>
type Messages = ProcessMessages & MessagesIn<InCode>
type Names = ProcessNames & NamesIn<InCode>
type Kinds = EntryKinds & KindsIn<InCode>

type Texts<Keys> = Extract<Keys, string>
/** Those texts, which editors suggest, or any other. */
type OrAny<Keys> = Texts<Keys> | (string & {})

/** The ids of entries of a kind. */
type IdOfKind<Kind> = { [Id in Texts<keyof Kinds>]: Kinds[Id] extends Kind ? Id : never }[Texts<keyof Kinds>]

/**
 * The type of an id in a parameter: an id of an entry of that kind, or a computed text. Without `entries.d.ts`, every
 * id is accepted. An id is checked at run time too.
 */
type Checked<Id extends string, Kind> = keyof Kinds extends never
  ? Id
  : {} extends Record<Id, 1>
    ? Id
    : Id extends IdOfKind<Kind>
      ? Id
      : IdOfKind<Kind>

/** The id of a function. */
export type FunctionId<Id extends string> = Checked<Id, 'function.ts'>

/** The id of a process. */
export type ProcessId<Id extends string> = Checked<Id, 'process.ts'>

/** The id of a host. */
export type HostId<Id extends string> = Checked<Id, 'process.host'>

/** The id of a network. An empty text chooses none. */
export type NetworkId<Id extends string> = Id extends '' ? Id : Checked<Id, 'network' | `network.${string}`>

type ParametersIn<Entries, Id> = Id extends keyof Entries
  ? Entries[Id] extends (...args: infer Arguments) => unknown
    ? Arguments
    : unknown[]
  : unknown[]

type ResultIn<Entries, Id> = Id extends keyof Entries
  ? Entries[Id] extends (...args: never) => infer Result
    ? Awaited<Result>
    : unknown
  : unknown

/** The parameters of a function; any parameters for an unknown id. */
export type FunctionArguments<Id> = ParametersIn<Functions, Id>

/** The result of a function; `unknown` for an unknown id. */
export type FunctionResult<Id> = ResultIn<Functions, Id>

/** The parameters of a process; any parameters for an unknown id. */
export type ProcessArguments<Id> = ParametersIn<Processes, Id>

/** The result of a process; `unknown` for an unknown id. */
export type ProcessResult<Id> = ResultIn<Processes, Id>

/** The pid of a process of an entry. */
export type PidOf<Id> = Id extends keyof Messages ? Pid<Messages[Id]> : Pid

/** The pid of the process with a name. */
export type PidNamed<Name> = Name extends keyof Names ? Pid<Names[Name]> : Pid

/** A pid, or a name: one of a service, which editors suggest, or any other. */
export type Receiver = OrAny<keyof Names>

/** The messages that a process accepts: by its pid, or by its name. Any messages where nothing is declared. */
export type MessagesTo<To> = To extends Pid
  ? MessagesOfPid<To>
  : To extends keyof Names
    ? MessagesOf<Accepted<Names[To]>>
    : AnyMessages
