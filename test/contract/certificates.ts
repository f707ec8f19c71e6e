/** Certificates for tests, made anew by openssl: two authorities, and what they signed. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Signed {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface Certificates extends AsyncDisposable {
  readonly folder: string
  /** The authority that signed what follows. */
  readonly ca: string
  readonly caFile: string
  /** For `service.test`, `localhost`, and 127.0.0.1. */
  readonly server: Signed
  readonly client: Signed
  /** Of another authority. */
  readonly stranger: Signed
  /** Another certificate for the same names. */
  renewed(name: string): Promise<Signed>
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-certificates-'))
  const at = (name: string) => join(folder, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const authority = async (name: string) =>
    run('openssl', ['req', '-x509', ...newKey, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)])
  await writeFile(at('server.ext'), 'subjectAltName=DNS:service.test,DNS:localhost,IP:127.0.0.1\n')
  await Promise.all([authority('ca'), authority('other')])
  const signed = async (name: string, by: string, extensions?: string): Promise<Signed> => {
    const [keyFile, certFile] = [at(`${name}.key`), at(`${name}.pem`)]
    await run('openssl', ['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', at(`${name}.csr`)])
    await run('openssl', [
      ...['x509', '-req', '-days', '2', '-in', at(`${name}.csr`), '-CA', at(`${by}.pem`), '-CAkey', at(`${by}.key`)],
      ...['-CAserial', at(`${name}.srl`), '-CAcreateserial', '-out', certFile],
      ...(extensions === undefined ? [] : ['-extfile', at(extensions)]),
    ])
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
    return { cert, key, certFile, keyFile }
  }
  const [server, client, stranger] = await Promise.all([
    signed('server', 'ca', 'server.ext'),
    signed('client', 'ca'),
    signed('stranger', 'other'),
  ])
  return {
    folder,
    ca: await readFile(at('ca.pem'), 'utf8'),
    caFile: at('ca.pem'),
    server,
    client,
    stranger,
    renewed: async (name) => signed(name, 'ca', 'server.ext'),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  }
}
