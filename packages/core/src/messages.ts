/** The messages of a process, for the compiler: topics, their payloads, and the replies of calls. */

/** A validator: version 1 of the Standard Schema (https://standardschema.dev), such as those of zod and valibot. */
export interface Schema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaOutcome | Promise<SchemaOutcome>
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined
  }
}

/** A value that fits, or what is wrong with it. */
type SchemaOutcome =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** What is wrong with a value, and where in it. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a validator accepts; another type stands for itself. */
type InputOf<T> = T extends Schema ? NonNullable<T['~standard']['types']>['input'] : T

/** What a validator returns; another type stands for itself. */
type OutputOf<T> = T extends Schema ? NonNullable<T['~standard']['types']>['output'] : T

/** Any messages: of processes whose messages are not declared. */
export interface AnyMessages {
  readonly [topic: string]: { readonly payload?: unknown; readonly reply: unknown }
}

/** The topics of messages. */
export type TopicOf<Messages> = keyof Messages & string

/** The topics that are replied to. */
export type CallTopicOf<Messages> = {
  [Topic in TopicOf<Messages>]: 'reply' extends keyof Messages[Topic] ? Topic : never
}[TopicOf<Messages>]

type Part<Messages, Topic extends keyof Messages, Name extends string> = Name extends keyof Messages[Topic]
  ? Messages[Topic][Name]
  : undefined

/** What a sender gives. */
export type PayloadOf<Messages, Topic extends keyof Messages> = InputOf<Part<Messages, Topic, 'payload'>>

/** What a receiver gets: as the validator returns it. */
export type ReceivedOf<Messages, Topic extends keyof Messages> = OutputOf<Part<Messages, Topic, 'payload'>>

/** What a receiver replies. */
export type AnswerOf<Messages, Topic extends keyof Messages> = InputOf<Part<Messages, Topic, 'reply'>>

/** What a caller gets. */
export type ReplyOf<Messages, Topic extends keyof Messages> = OutputOf<Part<Messages, Topic, 'reply'>>

/** The arguments after the topic: a payload that may be `undefined` may be left away. */
export type SendArguments<Messages, Topic extends keyof Messages, Options> =
  undefined extends PayloadOf<Messages, Topic>
    ? [payload?: PayloadOf<Messages, Topic>, options?: Options]
    : [payload: PayloadOf<Messages, Topic>, options?: Options]

/**
 * What a process accepts and replies, as its pid carries it. Payloads are parameters: a process that accepts more may
 * stand where less is accepted. Nothing is declared in `{}`.
 */
export type Accepted<Messages> = {
  readonly [Topic in TopicOf<Messages>]: 'reply' extends keyof Messages[Topic]
    ? { readonly accepts: (payload: PayloadOf<Messages, Topic>) => void; readonly replies: ReplyOf<Messages, Topic> }
    : { readonly accepts: (payload: PayloadOf<Messages, Topic>) => void }
}

/** The messages of {@link Accepted}. */
export type MessagesOf<Signatures> = keyof Signatures extends never
  ? AnyMessages
  : { readonly [Topic in keyof Signatures & string]: MessageOf<Signatures[Topic]> }

type MessageOf<Signature> = Signature extends { readonly accepts: (payload: infer Payload) => void }
  ? Signature extends { readonly replies: infer Reply }
    ? { readonly payload: Payload; readonly reply: Reply }
    : { readonly payload: Payload }
  : never
