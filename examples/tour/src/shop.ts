import { funcs, type RequestContext } from 'troupe'

const prices: Record<string, number> = { tea: 3, cake: 4 }

export const price = (item: string) => prices[item] ?? 0

export async function total(items: string[]) {
  const each = await Promise.all(items.map((item) => funcs.call('app:price', item)))
  return each.map(Number).reduce((sum, next) => sum + next, 0)
}

/** GET /shop/bill/tea,cake */
export async function bill(_request: Request, { params }: RequestContext) {
  return Response.json({ total: await total(params['items']?.split(',') ?? []) })
}
