/** The handlers of the soak's services, correct and faulty. */
import { http, self } from 'troupe'

export async function act(request: Request): Promise<Response> {
  switch (new URL(request.url).searchParams.get('do')) {
    case 'stream':
      return new Response(streamed())
    case 'big':
      return new Response('x'.repeat(1_000_000))
    case 'slow':
      await aborted(2000)
      return new Response('slow')
    case 'echo':
      return new Response(request.body)
    case 'events':
      return http.events(request, async function* ({ signal }) {
        while (!signal.aborted) {
          yield 'tick'
          await pause(10)
        }
      })
    case 'memory':
      globalThis.gc?.()
      return Response.json(heap())
    case 'throw':
      throw new Error('a requested failure')
    case 'stray':
      request.signal.addEventListener('abort', () => {
        throw new Error('a requested failure')
      })
      await aborted(500)
      return new Response('stray')
    case 'header':
      return new Response('x', { headers: { 'x-a': '日' } })
    case 'exit':
      // In a separate thread; the server's is spared.
      if (request.headers.has('x-mortal')) process.exit(1)
      return new Response('alive')
    default:
      return new Response('hello')
  }
}

/** Bytes that this thread holds. */
function heap(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Runs until its connection is closed. */
export async function talk(): Promise<void> {
  for await (const { topic } of self.inbox) if (topic.endsWith('.close')) return
}

function streamed(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await pause(2)
      controller.enqueue(new Uint8Array(20_000))
    },
  })
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

async function aborted(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
    self.signal.addEventListener('abort', resolve)
  })
}
