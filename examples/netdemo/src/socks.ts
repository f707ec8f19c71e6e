/** A SOCKS5 proxy, by an npm package. Other processes ask it for the addresses of the connections that it opened. */
import { connect } from 'node:net'
import { Socks5Server } from '@pondwader/socks5-server'
import { self } from 'troupe'

export async function main(port: number): Promise<void> {
  const opened: string[] = []
  const socks = new Socks5Server()
  socks.setConnectionHandler(({ destAddress: host, destPort, socket }, sendStatus) => {
    const target = connect({ host, port: destPort })
    target.once('error', () => sendStatus('CONNECTION_REFUSED'))
    target.once('connect', () => {
      opened.push(`${target.localAddress}:${target.localPort}`)
      sendStatus('REQUEST_GRANTED')
      socket.pipe(target).pipe(socket)
    })
    target.on('error', () => {}).on('close', () => socket.destroy())
    socket.on('error', () => {}).on('close', () => target.destroy())
  })
  await new Promise<void>((resolve) => {
    socks.listen(port, '127.0.0.1', resolve)
  })
  for await (const message of self.inbox) {
    // Its thread ends with the process, and the thread's sockets with it.
    if (message.topic === 'stop') return
    message.reply({ opened })
  }
}
