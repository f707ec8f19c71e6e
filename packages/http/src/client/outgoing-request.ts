/** The outgoing request of one hop. */
import type { SentBody } from './body/body.ts'
import type { HeaderList } from './request/header-list.ts'

export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: HeaderList
  readonly body: SentBody
}
