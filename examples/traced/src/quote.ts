/** Fetches a price from another service, which receives the trace in `traceparent`. */
import { http } from 'troupe'

const upstream = process.env['UPSTREAM'] ?? 'http://127.0.0.1:8081'

export async function quote(item: string): Promise<unknown> {
  const response = await http.get(`${upstream}/quotes/${item}?key=not-shown`)
  return response.json()
}
