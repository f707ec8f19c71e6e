import { processes, self } from 'troupe'

/** The worker: a process with a mailbox. When it throws, its supervisor starts it again. */
export async function main(): Promise<void> {
  let visits = 0
  for await (const message of self.inbox) {
    if (message.topic === 'crash') throw new Error('crashed')
    message.reply(++visits)
  }
}

/** The endpoint: GET /visit, GET /crash */
export async function endpoint(request: Request): Promise<Response> {
  return Response.json(await processes.call('app:counter', new URL(request.url).pathname.slice(1)))
}
