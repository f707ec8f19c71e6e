import { processes } from 'troupe'

/** Visits a page, and then the pages of the same site that it links to, with three workers. */
export async function main(start: string): Promise<void> {
  const inTor = processes.withOptions({ network: 'app:tor' })
  const spawned = [1, 2, 3].map(async () => inTor.spawn('app:worker', 'app:threads'))
  const workers = await Promise.all(spawned)

  const seen = new Set([start])
  const visit = async (url: string, turn: number): Promise<readonly string[]> => {
    const worker = workers[turn % workers.length]
    if (worker === undefined) return []
    const { status, links } = await processes.call(worker, 'visit', url, { timeout: '2m' })
    console.log(status, url)
    return links
  }
  for (let level = [start]; level.length > 0 && seen.size < 100; ) {
    const found = await Promise.all(level.map(visit))
    level = [...new Set(found.flat())].filter((url) => !seen.has(url) && new URL(url).host === new URL(start).host)
    for (const url of level) seen.add(url)
  }
}
