/** What policies decide for the HTTP client, which runs in the threads. */
import type { Kernel } from '@troupe/process/kernel'

/** Lets threads request permission for the actions of the HTTP client: `http_client.…`. */
export function permitHttpClient({ authorizer }: Pick<Kernel, 'authorizer'>): void {
  authorizer.addOwnActions('http_client')
}
