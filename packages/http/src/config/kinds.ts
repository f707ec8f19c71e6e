/** The kinds of entries from which a server's routes are made. */
import { defineKind, type FieldsOf, reference, sourceFile } from '@troupe/registry'
import { z } from 'zod'
import { middlewareNames, middlewareProblems, middlewareOptions } from '../middleware/options.ts'
import { isPattern } from '../server/routing/pattern.ts'

const path = () =>
  z
    .string()
    .refine(
      isPattern,
      'expected a path such as "/users/{id}" or "/files/{rest...}": ' +
        'parameters fill a segment, the last may take the rest',
    )

/**
 * Endpoints under a prefix, with the middleware that runs before them.
 *
 * @example
 * ```yaml
 * - name: api
 *   kind: http.router
 *   meta: { server: web }
 *   prefix: /api
 *   middleware: [cors, request_id]
 * ```
 */
export const routerKind = defineKind({
  kind: 'http.router',
  fields: () =>
    z
      .strictObject({
        prefix: path().default('/'),
        /** Names of middleware, the outermost first. */
        middleware: z.array(z.enum(middlewareNames)).default([]),
        /** The options of the middleware, by its names. */
        options: middlewareOptions().prefault({}),
      })
      .superRefine(({ middleware, options }, context) => {
        for (const { path: at, message } of middlewareProblems(middleware, options)) {
          context.addIssue({ code: 'custom', path: [...at], message })
        }
      }),
  meta: () => ({ server: reference('http.service') }),
})

/**
 * A function that responds to requests.
 *
 * @example
 * ```yaml
 * - name: user
 *   kind: http.endpoint
 *   meta: { router: api }
 *   method: GET
 *   path: /users/{id}
 *   func: show_user
 * ```
 */
export const endpointKind = defineKind({
  kind: 'http.endpoint',
  fields: () =>
    z.strictObject({
      method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '*']).default('GET'),
      path: path(),
      /** Takes a `Request`, and returns a `Response`. */
      func: reference('function.ts'),
      /** An action for which the caller needs permission; the resource is the id of this entry. */
      permission: z.string().min(1).max(256).optional(),
    }),
  meta: () => ({ router: reference('http.router') }),
})

/**
 * The files of a folder.
 *
 * @example
 * ```yaml
 * - name: page
 *   kind: http.static
 *   meta: { server: web }
 *   path: /
 *   directory: file://public
 * ```
 */
export const staticKind = defineKind({
  kind: 'http.static',
  fields: () =>
    z.strictObject({
      path: path().refine((text) => !text.includes('{') && !text.includes('*'), 'expected a path without parameters'),
      directory: sourceFile(),
      /** The file that is served for a folder. */
      index: z.string().min(1).default('index.html'),
      /**
       * The file that is served where the requested one does not exist and the client requests a page: for applications
       * that route in the browser.
       */
      fallback: z.string().min(1).optional(),
      /** `Cache-Control` of files that are found. */
      cacheControl: z.string().min(1).default('no-cache'),
      /** Also serves files whose names begin with a dot. */
      dotfiles: z.boolean().default(false),
    }),
  meta: () => ({ server: reference('http.service') }),
})

export type StaticFields = FieldsOf<typeof staticKind>
