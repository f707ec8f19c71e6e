import { expect, it } from 'vitest'
import { residue } from '../testing/programs/memory.ts'
import { startKernel } from '../testing/start-kernel.ts'
import { processes } from '../api/processes.ts'

it('a thread of the application gets no memory with freed contents of others', async () => {
  await using _ = await startKernel({ programs: ['memory.residue', 'memory.litter', 'memory.poolSize'] })
  // The same program without clearing finds freed memory.
  expect(residue(20)).toEqual(expect.arrayContaining(['allocUnsafe', 'allocUnsafeSlow']))
  const other = processes.exec('app:memory.litter', 'app:host', 'PASSWORD', 200)
  expect(await processes.exec('app:memory.residue', 'app:host', 20)).toEqual([])
  await other
  expect(await processes.exec('app:memory.poolSize', 'app:host')).toBe(1)
})
