import { zeros } from './zeros.ts'

export function hello(): Response {
  return new Response('hello world')
}

/** A stream of as many bytes as asked for. */
export function down(request: Request): Response {
  const bytes = Number(new URL(request.url).searchParams.get('bytes'))
  return new Response(ReadableStream.from(zeros(bytes)))
}

/** Counts the bytes of the body. */
export async function up(request: Request): Promise<Response> {
  let received = 0
  const body: ReadableStream<Uint8Array> | null = request.body
  for await (const data of body ?? []) received += data.length
  return new Response(String(received))
}
