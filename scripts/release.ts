/**
 * Makes a release: packs all packages for all platforms, writes their checksums, signs these, writes a list of the
 * software in them (SBOM), and publishes the packages with provenance. A dry run does all of it but publish, for this
 * machine's platform, with a key of its own.
 *
 *     node scripts/release.ts --dry-run
 *     RELEASE_KEY=key.pem node scripts/release.ts       in CI, with an OIDC token for provenance
 */
import { execFileSync } from 'node:child_process'
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { globSync, mkdirSync, mkdtempDisposableSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { manifestOf } from './manifest.ts'
import { preparePublish } from './prepare-publish.ts'
import { packedPlatforms, preparePlatformPackages } from './platform-packages.ts'

const sums = 'SHA256SUMS'

/** Returns the checksums of files, in the form of `sha256sum`. */
export function checksumsOf(files: readonly string[]): string {
  const lines = files.map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  )
  return lines.toSorted((a, b) => (a.slice(64) < b.slice(64) ? -1 : 1)).join('')
}

/** Writes the checksums of the tarballs in `folder`, their signature (Ed25519), and the public key. */
export function signRelease(folder: string, key: KeyObject): void {
  const text = checksumsOf(globSync('*.tgz', { cwd: folder }).map((file) => join(folder, file)))
  writeFileSync(join(folder, sums), text)
  writeFileSync(join(folder, `${sums}.sig`), sign(null, Buffer.from(text), key))
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  writeFileSync(join(folder, 'release-key.pub.pem'), publicKey)
}

/** Fails unless the checksums in `folder` are signed by `key`, and are those of the tarballs. */
export function verifyRelease(folder: string, key: KeyObject): void {
  const text = readFileSync(join(folder, sums))
  if (!verify(null, text, key, readFileSync(join(folder, `${sums}.sig`))))
    throw new Error(`${sums} is not signed by that key`)
  const actual = checksumsOf(globSync('*.tgz', { cwd: folder }).map((file) => join(folder, file)))
  if (actual !== text.toString()) throw new Error(`${sums} are not the checksums of the packages`)
}

/** Writes `sbom.cdx.json`: what an application that installs the packages contains. */
function writeSbom(folder: string): void {
  using app = mkdtempDisposableSync(join(tmpdir(), 'troupe-sbom-'))
  writeFileSync(
    join(app.path, 'package.json'),
    JSON.stringify({ name: 'troupe-release', version: '0.0.0', private: true }),
  )
  const files = globSync('*.tgz', { cwd: folder }).map((file) => join(folder, file))
  npm(app.path, 'install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', ...files)
  writeFileSync(join(folder, 'sbom.cdx.json'), npm(app.path, 'sbom', '--sbom-format=cyclonedx'))
}

function npm(cwd: string, ...args: readonly string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 })
}

/** A release is what its commit contains, and has one version. */
function checkState(root: string): void {
  const changed = execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }).trim()
  if (changed !== '') throw new Error(`these files are not committed:\n${changed}`)
  const { version } = manifestOf(join(root, 'packages/troupe'))
  const tags = execFileSync('git', ['tag', '--points-at', 'HEAD'], { cwd: root, encoding: 'utf8' }).split('\n')
  if (!tags.includes(`v${String(version)}`)) throw new Error(`this commit has no tag v${String(version)}`)
}

function releaseKey(isDryRun: boolean): KeyObject {
  if (isDryRun) return generateKeyPairSync('ed25519').privateKey
  const file = process.env['RELEASE_KEY']
  if (file === undefined) throw new Error('RELEASE_KEY names no file with an Ed25519 key (PEM)')
  return createPrivateKey(readFileSync(file))
}

async function release(root: string, isDryRun: boolean): Promise<void> {
  if (!isDryRun) checkState(root)
  const key = releaseKey(isDryRun)
  const [publish, folder] = [join(root, '.cache/release/packages'), join(root, '.cache/release/files')]
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await preparePublish(root, publish)
  await preparePlatformPackages(root, publish, packedPlatforms(isDryRun ? [] : ['--all-platforms']))
  const packages = globSync('*/package.json', { cwd: publish }).map((file) => join(publish, file, '..'))
  npm(root, 'pack', '--loglevel=error', '--pack-destination', folder, ...packages)
  signRelease(folder, key)
  verifyRelease(folder, createPublicKey(key))
  writeSbom(folder)
  for (const file of globSync('*.tgz', { cwd: folder }).toSorted()) {
    const args = ['publish', join(folder, file), '--access', 'public', '--loglevel=error']
    // Provenance needs the token of CI.
    if (isDryRun) npm(root, ...args, '--dry-run')
    else npm(root, ...args, '--provenance')
  }
  console.log(globSync('*', { cwd: folder }).toSorted().join('\n'))
}

if (import.meta.main) await release(resolve(import.meta.dirname, '..'), process.argv.includes('--dry-run'))
