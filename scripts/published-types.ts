/**
 * The types that an application may rely on, compiled against the packages as they are published: `test-pack.ts` copies
 * this file into its own application. Nothing here runs.
 */
import type { cookieJar, env, funcs, http, log, Pid, processes, registry, security, self, trace } from 'troupe'

type IsAny<T> = 0 extends 1 & T ? true : false
type IsEqual<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Ends = string | number | bigint | boolean | symbol | null | undefined

/** Types of the platform, some of which contain an `any`. */
type Platform = AbortSignal | URL | Request | Response | Headers | ReadableStream | MessagePort

/** The names in a type, up to six levels deep, that lead to an `any`: also in results of functions and promises. */
type AnysIn<T, Depth extends readonly unknown[] = []> =
  IsAny<T> extends true
    ? 'any'
    : T extends Ends | Platform
      ? never
      : Depth['length'] extends 6
        ? never
        : T extends Promise<infer Result>
          ? AnysIn<Result, [...Depth, 0]>
          : T extends (...args: infer Args) => infer Result
            ? AnysIn<Result, [...Depth, 0]> | (IsAny<Args> extends true ? 'any' : never)
            : T extends object
              ? { [Key in keyof T & string]: AnysIn<T[Key], [...Depth, 0]> extends never ? never : Key }[keyof T &
                  string]
              : never

function holds<_T extends true>(): void {}

type Spawner = ReturnType<typeof processes.withOptions>

// However many options are chosen, the result can choose more of them, and spawn.
holds<IsEqual<ReturnType<Spawner['withContext']>, Spawner>>()
holds<IsEqual<ReturnType<Spawner['withActor']>, Spawner>>()
holds<IsEqual<ReturnType<Spawner['withScope']>, Spawner>>()
holds<IsEqual<ReturnType<Spawner['withName']>, Spawner>>()
holds<IsEqual<ReturnType<Spawner['withMessage']>, Spawner>>()
holds<IsEqual<ReturnType<ReturnType<ReturnType<Spawner['withName']>['withMessage']>['spawn']>, Promise<Pid>>>()
holds<IsEqual<ReturnType<ReturnType<typeof funcs.withOptions>['withScope']>, typeof funcs>>()
holds<IsEqual<ReturnType<typeof http.get>, Promise<Response>>>()

holds<IsEqual<AnysIn<typeof processes>, never>>()
holds<IsEqual<AnysIn<typeof funcs>, never>>()
holds<IsEqual<AnysIn<typeof http>, never>>()
holds<IsEqual<AnysIn<Awaited<ReturnType<typeof cookieJar>>>, never>>()
holds<IsEqual<AnysIn<typeof security>, never>>()
holds<IsEqual<AnysIn<typeof registry>, never>>()
holds<IsEqual<AnysIn<typeof self>, never>>()
holds<IsEqual<AnysIn<typeof env>, never>>()
holds<IsEqual<AnysIn<typeof log>, never>>()
holds<IsEqual<AnysIn<typeof trace>, never>>()
// Proves that the tool finds an `any`.
holds<IsEqual<AnysIn<{ deep: { fn: () => Promise<{ x: ReturnType<typeof JSON.parse> }>; fine: string } }>, 'deep'>>()
