/** Drivers whose code a thread loads at their first use: most threads never use one, and start faster. */
import type { Driver } from '../overlay/overlay.ts'
import { i2p } from './i2p/route.ts'
import { tailscale } from './tailscale/route.ts'

const readI2p = async () => (await import('./i2p/connect.ts')).i2pDriver
const readTailscale = async () => (await import('./tailscale/connect.ts')).tailscaleDriver

export const i2pDriver: Driver = {
  name: i2p,
  dial: async (route, target, options) => (await readI2p()).dial(route, target, options),
  accept: async (listenGrant) => (await readI2p()).accept(listenGrant),
  resolve: async (route, name, options) => (await readI2p()).resolve(route, name, options),
  associate: async (route, options) => (await readI2p()).associate(route, options),
}

export const tailscaleDriver: Driver = {
  name: tailscale,
  dial: async (route, target, options) => (await readTailscale()).dial(route, target, options),
  accept: async (listenGrant) => (await readTailscale()).accept(listenGrant),
  resolve: async (route, name, options) => (await readTailscale()).resolve(route, name, options),
  reverse: async (route, address, options) => (await readTailscale()).reverse(route, address, options),
  associate: async (route, options) => (await readTailscale()).associate(route, options),
}
