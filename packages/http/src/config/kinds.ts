/** The kinds of entries that make up what a server serves. */
import { defineKind, type FieldsOf, reference, sourceFile } from '@troupe/registry'
import { z } from 'zod'
import { middlewareNames, middlewareObjections, middlewareOptions } from '../middleware/options.ts'
import { isPattern } from '../server/routing/pattern.ts'

const path = () =>
  z
    .string()
    .refine(isPattern, 'expected a path such as "/users/{id}" or "/files/{rest...}": parameters fill a segment, the last may take the rest')

/**
 * Endpoints beneath a prefix, with what is done to their requests first.
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
  fields: z
    .strictObject({
      prefix: path().default('/'),
      /** Names, the outermost first. */
      middleware: z.array(z.enum(middlewareNames)).default([]),
      /** What the middleware is told, by its names. */
      options: middlewareOptions.prefault({}),
    })
    .superRefine(({ middleware, options }, context) => {
      for (const { path: at, message } of middlewareObjections(middleware, options)) {
        context.addIssue({ code: 'custom', path: [...at], message })
      }
    }),
  meta: { server: reference('http.service') },
})

/**
 * A function that answers requests.
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
  fields: z.strictObject({
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '*']).default('GET'),
    path: path(),
    /** Takes a `Request`, and answers a `Response`. */
    func: reference('function.ts'),
    /** An action that the caller has to be allowed; the resource is the id of this entry. */
    permission: z.string().min(1).max(256).optional(),
  }),
  meta: { router: reference('http.router') },
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
  fields: z.strictObject({
    path: path().refine((text) => !text.includes('{') && !text.includes('*'), 'expected a path without parameters'),
    directory: sourceFile(),
    /** What is served for a folder. */
    index: z.string().min(1).default('index.html'),
    /** What is served where there is no such file and the client asks for a page: for applications that route in the browser. */
    fallback: z.string().min(1).optional(),
    /** `Cache-Control` of what is found. */
    cacheControl: z.string().min(1).default('no-cache'),
    /** Serves files whose names begin with a dot, too. */
    dotfiles: z.boolean().default(false),
  }),
  meta: { server: reference('http.service') },
})

export type StaticFields = FieldsOf<typeof staticKind>
