/** The resources of a policy: names with `*`, and patterns of URLs. */
import { Globs } from './glob.ts'
import { isUrl, isUrlPattern, UrlPattern, urlParts } from './url-pattern.ts'

/**
 * A `*` alone covers everything. A pattern with `://` covers URLs alone, part by part. Any other is compared with the text; since its `*`
 * would reach from a host into a path, such a pattern of a policy that allows covers no URL, and one of a policy that denies still does.
 */
export class ResourcePatterns {
  /** The patterns as they were written. */
  readonly patterns: readonly string[]
  /** The patterns, when all are names without a `*`; such sets can be found by name. */
  readonly names: readonly string[] | undefined
  readonly #any: boolean
  readonly #texts: Globs
  readonly #urls: readonly UrlPattern[]
  readonly #denies: boolean

  /** @throws TroupeError `Invalid` for a pattern of URLs that is none. */
  constructor(patterns: readonly string[], effect: 'allow' | 'deny') {
    const texts = patterns.filter((pattern) => !isUrlPattern(pattern))
    this.patterns = patterns
    this.#any = texts.some((pattern) => /^\*+$/.test(pattern))
    this.#texts = new Globs(texts)
    this.#urls = patterns.filter(isUrlPattern).map((pattern) => new UrlPattern(pattern))
    this.#denies = effect === 'deny'
    this.names = this.#urls.length === 0 ? this.#texts.names : undefined
  }

  /** Whether one of the patterns covers `resource`, in its canonical spelling. */
  match(resource: string): boolean {
    if (this.#any) return true
    const url = resource.includes('://') ? urlParts(resource) : undefined
    if (url !== undefined && this.#urls.some((pattern) => pattern.match(url))) return true
    return (this.#denies || (url === undefined && !isUrl(resource))) && this.#texts.match(resource)
  }
}
