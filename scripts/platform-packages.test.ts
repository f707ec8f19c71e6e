import { expect, it } from 'vitest'
import { packedPlatforms, platformManifest } from './platform-packages.ts'

it('makes npm install a program only on its platform', () => {
  expect(platformManifest('linux-arm64', { name: '@troupe/nats-linux-arm64', version: '1.2.3' })).toMatchObject({
    name: '@troupe/nats-linux-arm64',
    version: '1.2.3',
    os: ['linux'],
    cpu: ['arm64'],
    files: ['bin', 'THIRD_PARTY_LICENSES'],
  })
})

it('packs the platform of this machine, or all of them for a release', () => {
  expect(packedPlatforms([])).toEqual([`${process.platform}-${process.arch}`])
  expect(packedPlatforms(['--all-platforms'])).toEqual(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'])
})
