/**
 * The entries in the options of `start`, for the compiler: `typeof options`, where they are a constant
 * (`as const satisfies StartOptions`). Code whose `source` is a {@link ModuleUrl} has types; other code has none.
 */
declare const moduleBrand: unique symbol

/** The messages of a module that exports validators of them. */
type DeclaredIn<Module> = Module extends { readonly messages: infer Messages } ? Messages : unknown

/**
 * The URL of a module, with the type of its exports: `typeof import('./images.ts')`.
 *
 * @example
 * ```ts
 * const images: ModuleUrl<typeof import('./images.ts')> = new URL('./images.ts', import.meta.url)
 * ```
 *
 * `Messages` are those of its processes; without it, the validators that the module exports as `messages`
 */
export type ModuleUrl<Module, Messages = DeclaredIn<Module>> = URL & {
  readonly [moduleBrand]?: { readonly module: Module; readonly messages: Messages }
}

/** The entry of a member of a section: a name without namespace is in `app`. */
type IdOf<Name> = Name extends `${string}:${string}` ? Name : Name extends string ? `app:${Name}` : never

type ProgramIdOf<Name> = `${IdOf<Name>}.program`

type Section<Options, Name extends string> = Options extends { readonly [_ in Name]: infer Members extends object }
  ? Members
  : {}

/** The entries of the option `entries`, as a union. */
type Listed<Options> = Options extends { readonly entries: readonly (infer Each)[] } ? Each : never
type ListedOf<Options, Kind> = Extract<Listed<Options>, { readonly kind: Kind }>

type ListedIdOf<Options, Kind> =
  ListedOf<Options, Kind> extends infer Each
    ? Each extends { readonly id: infer Id extends string }
      ? Id
      : never
    : never

type ListedAs<Options, Id> = Extract<Listed<Options>, { readonly id: Id }>

type ModuleOf<Code> = Code extends { readonly source: { readonly [moduleBrand]?: infer About } }
  ? Exclude<About, undefined>
  : unknown

/** The function that an entry runs. */
type MethodOf<Code, Otherwise> =
  ModuleOf<Code> extends { readonly module: infer Module }
    ? (Code extends { readonly method: infer Method } ? Method : Otherwise) extends infer Name extends keyof Module
      ? Module[Name]
      : unknown
    : unknown

type MessagesOfCode<Code> = ModuleOf<Code> extends { readonly messages: infer Messages } ? Messages : unknown

/** The functions by their ids. */
export type FunctionsIn<Options> = {
  readonly [Name in keyof Section<Options, 'functions'> as IdOf<Name>]: MethodOf<
    Section<Options, 'functions'>[Name],
    'handler'
  >
} & { readonly [Id in ListedIdOf<Options, 'function.ts'>]: MethodOf<ListedAs<Options, Id>, 'handler'> }

/** The main functions of processes by the ids of their entries. */
export type ProcessesIn<Options> = {
  readonly [Name in keyof Section<Options, 'services'> as ProgramIdOf<Name>]: MethodOf<
    Section<Options, 'services'>[Name],
    'main'
  >
} & { readonly [Id in ListedIdOf<Options, 'process.ts'>]: MethodOf<ListedAs<Options, Id>, 'main'> }

/** The messages of processes by the ids of their entries. */
export type MessagesIn<Options> = {
  readonly [Name in keyof Section<Options, 'services'> as ProgramIdOf<Name>]: MessagesOfCode<
    Section<Options, 'services'>[Name]
  >
} & { readonly [Id in ListedIdOf<Options, 'process.ts'>]: MessagesOfCode<ListedAs<Options, Id>> }

/** The name under which a service is found. */
type NameOf<Service, Id> = Service extends { readonly name: infer Name extends string } ? Name : Id & string

/** The entry of a service's process. */
type ProgramOf<Service> = Service extends { readonly id: infer Id; readonly process: infer Program extends string }
  ? Program extends `${string}:${string}`
    ? Program
    : Id extends `${infer Namespace}:${string}`
      ? `${Namespace}:${Program}`
      : never
  : never

/** The messages of services by their names. */
export type NamesIn<Options> = {
  readonly [Member in keyof Section<Options, 'services'> as NameOf<
    Section<Options, 'services'>[Member],
    IdOf<Member>
  >]: MessagesOfCode<Section<Options, 'services'>[Member]>
} & {
  readonly [Id in ListedIdOf<Options, 'process.service'> as NameOf<ListedAs<Options, Id>, Id>]: MessagesOfCode<
    ListedAs<Options, ProgramOf<ListedAs<Options, Id>>>
  >
}

/** The kinds of all entries by their ids. */
export type KindsIn<Options> = {
  readonly [Name in keyof Section<Options, 'functions'> as IdOf<Name>]: 'function.ts'
} & {
  readonly [Name in keyof Section<Options, 'services'> as IdOf<Name>]: 'process.service'
} & {
  readonly [Name in keyof Section<Options, 'services'> as ProgramIdOf<Name>]: 'process.ts'
} & {
  readonly [Name in keyof Section<Options, 'hosts'> as IdOf<Name>]: 'process.host'
} & {
  readonly [Name in keyof Section<Options, 'networks'> as IdOf<Name>]: 'network'
} & {
  readonly [Id in ListedIdOf<Options, string>]: ListedAs<Options, Id> extends { readonly kind: infer Kind }
    ? Kind
    : never
}
