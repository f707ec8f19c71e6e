/** Points of the curve of overlays: requests through each of many. */
import { once } from 'node:events'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { http } from 'troupe'
import { boot } from 'troupe/app'

const response = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** A SOCKS5 proxy that accepts every request, and answers itself for each target. */
async function startProxy(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0))
      socket.once('data', () => {
        socket.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0))
        socket.on('data', () => socket.write(response))
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

export async function overlays(count: number): Promise<Readonly<Record<string, number>>> {
  const port = await startProxy()
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-scale-'))
  mkdirSync(join(folder.path, 'src'))
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }')
  const lines = Array.from(
    { length: count },
    (_, index) => `  - { name: o${index}, kind: network.socks5, host: 127.0.0.1, port: ${port} }\n`,
  )
  writeFileSync(join(folder.path, 'src/_index.yaml'), `version: "1.0"\nnamespace: app\nentries:\n${lines.join('')}`)
  const start = performance.now()
  await boot({ root: folder.path, onLog: () => undefined })
  const booted = performance.now() - start
  const through = async () => {
    const began = performance.now()
    for (let index = 0; index < count; index += 1)
      await (await http.get('http://target.invalid/', { overlayNetwork: `app:o${index}` })).text()
    return (performance.now() - began) / count
  }
  return { boot: booted, first: await through(), kept: await through() }
}
