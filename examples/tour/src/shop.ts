import { funcs } from 'troupe'

const prices: Record<string, number> = { tea: 3, cake: 4 }

export const price = (item: string) => prices[item] ?? 0

export async function total(items: string[]) {
  const each = await Promise.all(items.map((item) => funcs.call('app:price', item)))
  return each.map(Number).reduce((sum, next) => sum + next, 0)
}
