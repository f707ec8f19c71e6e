/** The resources of a policy: patterns, as they apply to each form of resources. */
import { canonicalHost } from '@troupe/core'
import { Globs } from '../condition/glob.ts'
import { hostPattern, networkPattern, type TextPattern } from './host-pattern.ts'
import { PathPattern } from './path-pattern.ts'
import { canonicalPath, isPath, type ResourceForm } from './resource-form.ts'
import { hostSpellings, loosePattern, urlSpellings, urlTexts, withoutPort } from './deny-spellings.ts'
import { isUrl, type UrlParts, urlParts } from './url-parts.ts'
import { isUrlPattern, UrlPattern } from './url-pattern.ts'

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
    const loose = new Globs(this.#denies ? texts.filter((text) => text.includes('*')).map(loosePattern) : [])
    return {
      names: urls.length === 0 ? globs.names : undefined,
      match: (resource) => {
        if (any) return true
        if (this.#denies) return globs.match(resource) || deniesUrl(urls, loose, resource)
        if (urls.length > 0 && resource.includes('://') && matchesUrl(urls, resource)) return true
        return globs.match(resource) && !isLikeUrl(resource)
      },
    }
  }

  #forHosts(): ReadyPatterns {
    const texts = this.patterns.filter((pattern) => !isUrlPattern(pattern))
    return this.#spelled(this.#denies ? texts.map(withoutPort) : texts, {
      spell: (text) => (isPath(text) ? canonicalPath(text) : canonicalHost(text)),
      patternOf: hostPattern,
      rangeOf: networkPattern,
      spellings: hostSpellings,
    })
  }

  #forPaths(): ReadyPatterns {
    return this.#spelled(this.patterns, {
      spell: canonicalPath,
      patternOf: (pattern) => new PathPattern(pattern),
      spellings: (path) => [path],
    })
  }

  /**
   * Returns names in the spelling of the resources, and patterns of their form. A policy that denies also matches the
   * text as written: it denies more.
   */
  #spelled(patterns: readonly string[], { spell, patternOf, rangeOf, spellings }: Spelling): ReadyPatterns {
    const ranges = patterns.flatMap((pattern) => rangeOf?.(pattern) ?? [])
    const exact = patterns.filter((pattern) => !pattern.includes('*')).map((text) => spell(text) ?? text)
    const starred = patterns.filter((pattern) => pattern.includes('*'))
    const any = starred.some(isAny)
    const names = new Set(exact)
    const ready = [...ranges, ...starred.map(patternOf)]
    const texts = new Globs(this.#denies ? starred.map((pattern) => pattern.normalize('NFC').toLowerCase()) : [])
    return {
      names: ready.length === 0 ? exact : undefined,
      match: (resource) =>
        any ||
        names.has(resource) ||
        ready.some((pattern) => pattern.match(resource)) ||
        (this.#denies && spellings(resource).some((text) => texts.match(text.toLowerCase()))),
    }
  }
}

/** How patterns and resources of one form are written. */
interface Spelling {
  readonly spell: (text: string) => string | undefined
  readonly patternOf: (pattern: string) => TextPattern
  /** Compiles a pattern that names a range of resources without a `*`. */
  readonly rangeOf?: (pattern: string) => TextPattern | undefined
  /** All spellings that a policy which denies is compared with. */
  readonly spellings: (resource: string) => readonly string[]
}

function deniesUrl(urls: readonly UrlPattern[], texts: Globs, resource: string): boolean {
  return spelled(resource).some(
    ({ url, written }) => urls.some((pattern) => pattern.match(url)) || written.some((text) => texts.match(text)),
  )
}

interface SpelledUrl {
  readonly url: UrlParts
  readonly written: readonly string[]
}

/** The last URL and its spellings: the policies of a scope are all compared with the same one. */
let last: { readonly resource: string; readonly found: readonly SpelledUrl[] } = { resource: '', found: [] }

function spelled(resource: string): readonly SpelledUrl[] {
  if (last.resource === resource) return last.found
  const parts = resource.includes('://') ? urlParts(resource) : undefined
  const found = parts === undefined ? [] : urlSpellings(parts).map((url) => ({ url, written: urlTexts(url) }))
  last = { resource, found }
  return found
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
