/** The resources of a policy: patterns, as they apply to each form of resources. */
import { canonicalHost } from '@troupe/core'
import { Globs } from '../condition/glob.ts'
import { hostPattern, type TextPattern } from './host-pattern.ts'
import { PathPattern } from './path-pattern.ts'
import { canonicalPath, isPath, type ResourceForm } from './resource-form.ts'
import { isUrl, isUrlPattern, UrlPattern, urlParts } from './url-pattern.ts'

/** Compiled patterns for resources of one form in its canonical spelling. */
export interface ReadyPatterns {
  /** The patterns, if none has a `*`; such sets can be found by name. */
  readonly names: readonly string[] | undefined
  match(resource: string): boolean
}

/**
 * A `*` alone covers everything. A pattern with `://` covers only URLs, part by part. Any other pattern is compared
 * with the text. Its `*` could reach from a host into a path, so such a pattern of a policy that allows covers no URL.
 * In a policy that denies, it does. For hosts and paths, patterns are converted to the spelling of the resources.
 */
export class ResourcePatterns {
  /** The patterns as they were written. */
  readonly patterns: readonly string[]
  readonly #denies: boolean
  readonly #ready = new Map<ResourceForm, ReadyPatterns>()

  /** @throws TroupeError `Invalid` for an invalid URL pattern. */
  constructor(patterns: readonly string[], effect: 'allow' | 'deny') {
    this.patterns = patterns
    this.#denies = effect === 'deny'
    this.#ready.set('text', this.#forUrls())
  }

  /** Returns the patterns for the resources of a form. */
  of(form: ResourceForm): ReadyPatterns {
    const known = this.#ready.get(form)
    if (known !== undefined) return known
    const ready = form === 'host' ? this.#forHosts() : form === 'path' ? this.#forPaths() : this.of('text')
    this.#ready.set(form, ready)
    return ready
  }

  /** Returns whether one of the patterns covers `resource`, in the canonical spelling of its form. */
  match(resource: string, form: ResourceForm = 'text'): boolean {
    return this.of(form).match(resource)
  }

  #forUrls(): ReadyPatterns {
    const texts = this.patterns.filter((pattern) => !isUrlPattern(pattern))
    const urls = this.patterns.filter(isUrlPattern).map((pattern) => new UrlPattern(pattern))
    const any = texts.some(isAny)
    const globs = new Globs(texts)
    return {
      names: urls.length === 0 ? globs.names : undefined,
      match: (resource) => {
        if (any) return true
        if (urls.length > 0 && resource.includes('://') && matchesUrl(urls, resource)) return true
        return globs.match(resource) && (this.#denies || !isLikeUrl(resource))
      },
    }
  }

  #forHosts(): ReadyPatterns {
    const texts = this.patterns.filter((pattern) => !isUrlPattern(pattern))
    return this.#spelled(texts, (text) => (isPath(text) ? canonicalPath(text) : canonicalHost(text)), hostPattern)
  }

  #forPaths(): ReadyPatterns {
    return this.#spelled(this.patterns, canonicalPath, (pattern) => new PathPattern(pattern))
  }

  /**
   * Returns names in the spelling of the resources, and patterns of their form. A policy that denies also matches the
   * text as written: it denies more.
   */
  #spelled(
    patterns: readonly string[],
    spell: (text: string) => string | undefined,
    patternOf: (pattern: string) => TextPattern,
  ): ReadyPatterns {
    const exact = patterns.filter((pattern) => !pattern.includes('*')).map((text) => spell(text) ?? text)
    const starred = patterns.filter((pattern) => pattern.includes('*'))
    const any = starred.some(isAny)
    const names = new Set(exact)
    const ready = starred.map(patternOf)
    const texts = new Globs(this.#denies ? starred.map((pattern) => pattern.toLowerCase()) : [])
    return {
      names: starred.length === 0 ? exact : undefined,
      match: (resource) =>
        any || names.has(resource) || ready.some((pattern) => pattern.match(resource)) || texts.match(resource.toLowerCase()),
    }
  }
}

function matchesUrl(patterns: readonly UrlPattern[], resource: string): boolean {
  const url = urlParts(resource)
  return url !== undefined && patterns.some((pattern) => pattern.match(url))
}

function isLikeUrl(resource: string): boolean {
  return isUrl(resource) || (resource.includes('://') && urlParts(resource) !== undefined)
}

function isAny(pattern: string): boolean {
  return /^\*+$/.test(pattern)
}
