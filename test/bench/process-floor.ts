/** Bare Node: the floor that the process benchmark compares with. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { now, rounds } from './measure.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'))

function program(name: string, code: string): string {
  const file = join(folder, name)
  writeFileSync(file, code)
  return file
}

const cache = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') }

/** Resolves with the first value that the worker posts. */
async function firstMessage(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

/** Milliseconds from `new Worker` to the first line of user code, in TypeScript, with the compile cache. */
export async function bareWorker(): Promise<number> {
  const file = program(
    'stamp.ts',
    `import { parentPort } from 'node:worker_threads'
     const at: number = performance.timeOrigin + performance.now()
     parentPort?.postMessage(at)`,
  )
  const once = async () => {
    const start = now()
    const worker = new Worker(file, { env: cache })
    const at = await firstMessage(worker)
    await worker.terminate()
    return at - start
  }
  await once()
  return rounds(15, once)
}

/** Bytes of the process's memory for each idle worker. */
export async function bareWorkerMemory(count: number): Promise<number> {
  const file = program(
    'idle.ts',
    `import { parentPort } from 'node:worker_threads'\n` +
      `parentPort?.on('message', () => undefined)\nparentPort?.postMessage(1)`,
  )
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  const workers = Array.from({ length: count }, () => new Worker(file, { env: cache }))
  await Promise.all(workers.map(firstMessage))
  const after = process.memoryUsage.rss()
  await Promise.all(workers.map(async (worker) => worker.terminate()))
  return (after - before) / count
}

/** Round trips a second between two threads over a raw port. */
export async function rawPingPong(count: number): Promise<number> {
  const echo = program(
    'echo.js',
    `require('node:worker_threads').parentPort.on('message', (m) ` +
      `=> require('node:worker_threads').parentPort.postMessage(m))`,
  )
  const worker = new Worker(echo)
  const run = async (trips: number) =>
    new Promise<void>((resolve) => {
      let left = trips
      const onMessage = () => {
        left -= 1
        if (left > 0) {
          worker.postMessage(left)
          return
        }
        worker.off('message', onMessage)
        resolve()
      }
      worker.on('message', onMessage)
      worker.postMessage(left)
    })
  await run(count / 10)
  const start = now()
  await run(count)
  const rate = count / ((now() - start) / 1000)
  await worker.terminate()
  return rate
}

/** Messages a second one way between two threads over a raw port, in batches of `size`. */
export async function rawOneWay(count: number, size: number): Promise<number> {
  const sink = program(
    'sink.js',
    `const { parentPort } = require('node:worker_threads')
     let left = 0, start = 0
     parentPort.on('message', (m) => {
       if (m.count) { left = m.count; start = performance.now(); return }
       left -= m.length
       if (left <= 0) parentPort.postMessage((performance.now() - start) / 1000)
     })`,
  )
  const worker = new Worker(sink)
  worker.postMessage({ count })
  const done = firstMessage(worker)
  for (let i = 0; i < count; i += size) {
    worker.postMessage(Array.from({ length: size }, (_, j) => i + j))
    if (i % (size * 64) === 0) await new Promise(setImmediate)
  }
  const seconds = await done
  await worker.terminate()
  return count / seconds
}
