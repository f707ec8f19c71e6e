import { queues, self } from 'troupe'

/** Orders for the own stock, at regular times. A message that comes twice in an hour publishes one job. */
export async function main(): Promise<void> {
  for await (const { topic } of self.inbox) {
    const id = `stock-${new Date().toISOString().slice(0, 13)}`
    if (topic === 'order') await queues.publish('app:orders', { id }, { id, priority: 1 })
  }
}
