/** Starts a kernel, ends processes in every way, disposes of the kernel, and prints what keeps the program alive. */
import { processes } from '../api/processes.ts'
import { startKernel } from './start-kernel.ts'

const before = process.getActiveResourcesInfo()
{
  const programs = [
    'life.answer',
    'life.fail',
    'life.wait',
    'life.exit',
    'life.loop',
    'talk.ignore',
    'talk.countAndRun',
    'talk.receiveFor',
  ]
  await using kernel = await startKernel({ programs })
  const ignorant = await processes.withName('it').spawn('app:talk.ignore', 'app:host')
  await Promise.allSettled([
    kernel.exec('life.answer', 5),
    kernel.exec('life.fail', 'no'),
    kernel.exec('life.exit', 3),
    kernel.exec('talk.countAndRun', 'it', 3000),
    processes.withOptions({ timeout: 20 }).exec('app:life.loop', 'app:host'),
    processes.call(ignorant, 'a', 5, { timeout: 20 }),
  ])
  void processes.call(ignorant, 'b', 5, { timeout: '1h' }).catch(() => undefined)
  void processes
    .withOptions({ timeout: '1h' })
    .exec('app:talk.receiveFor', 'app:host', '1h')
    .catch(() => undefined)
  await processes.spawn('app:life.wait', 'app:host')
}
// Closed resources are gone a few turns later. Others keep the program alive, and the test sees that it does not end.
const left = () => process.getActiveResourcesInfo().filter((name) => !before.includes(name) && name !== 'Immediate')
for (let turn = 0; turn < 100 && left().length > 0; turn += 1) await new Promise(setImmediate)
process.stdout.write(`done ${JSON.stringify(left())}\n`)
