/** `request_id`: an id for each request, the client's own if it has one. Handlers find it in the request's header. */
import type { MiddlewareHandler } from 'hono'
import { requestId as honoRequestId } from 'hono/request-id'
import { keepingEarlyHeaders } from './early-headers.ts'
import type { RequestIdOptions } from './options.ts'

export function requestId({ header, maxLength }: RequestIdOptions): MiddlewareHandler {
  const named = honoRequestId({ headerName: header, limitLength: maxLength })
  return keepingEarlyHeaders(async (context, next) =>
    named(context, async () => {
      const id: unknown = context.get('requestId')
      if (typeof id === 'string') context.req.raw.headers.set(header, id)
      await next()
    }),
  )
}
