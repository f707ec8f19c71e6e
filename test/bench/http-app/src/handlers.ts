export function hello(): Response {
  return new Response('hello world')
}
