/** Services of HTTP that listen on I2P, on a real router. */
import { inject } from 'vitest'
import { httpListenerContract } from '../contract/http-listener.ts'
import { zeroHops } from '../peers/i2pd.ts'
import { stateFolder } from './i2p-fixture.ts'

const { i2p } = inject('peers')

httpListenerContract('network.i2p', async () => {
  const stack = new AsyncDisposableStack()
  const fields = { kind: 'network.i2p', ...i2p.sam, options: zeroHops, first_byte_timeout: '5s' }
  return {
    app: { set: [`network_service.state_dir=${await stateFolder(stack)}`] },
    listener: { id: 'app:here', ...fields },
    visitor: { id: 'app:there', ...fields },
    changed: (times) => ({ id: 'app:here', ...fields, wait_timeout: `${20 + times}s` }),
    peer: {},
    timeout: '20s',
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  }
})
