/** Checks the certificates of services, and their dates. */
import type { Diagnostic } from '@troupe/registry'
import { checkCertificates } from 'troupe/app'
import type { Check } from './context.ts'
import { type Found, ok, shownPosition } from './finding.ts'

const day = 24 * 60 * 60 * 1000
/** Days before the end of a certificate from which on a warning is given. */
const early = 21

export const certificatesCheck: Check = {
  name: 'certificates',
  async run({ registry, system }) {
    const services = registry.find({ kind: 'http.service' }).filter(({ fields }) => fields['tls'] !== undefined)
    if (services.length === 0) return []
    const now = checkCertificates(registry, system.now())
    const known = new Set(now.map(keyOf))
    const soon = checkCertificates(registry, system.now() + early * day).filter(
      (problem) => !known.has(keyOf(problem)) && problem.message.includes('expired on'),
    )
    const found = [
      ...now.map((problem) => findingOf(problem, 'error', problem.message)),
      ...soon.map((problem) => findingOf(problem, 'warning', problem.message.replace('expired on', 'expires on'))),
    ]
    return found.length > 0 ? found : [ok(`valid for ${early} days or more`)]
  },
}

function keyOf({ entry, path }: Diagnostic): string {
  return `${entry} ${path}`
}

function findingOf({ place, entry, path = '' }: Diagnostic, severity: Found['severity'], message: string): Found {
  const where = place === undefined ? entry : `${shownPosition(place)}: ${entry ?? ''}`
  const remedy = /expire|valid/.test(message)
    ? `renew the certificate, and write it to the file of ${path}: the service reads it again`
    : `correct ${path}, such as: file://cert.pem`
  return { severity, message, where, remedy }
}
