/** Templates without a build step. Values are text or attributes, never markup. */
import htm from 'htm'
import { h, type VNode } from 'preact'

export type View = VNode | VNode[]

/** Returns the elements of a template. */
export const html: (strings: TemplateStringsArray, ...values: readonly unknown[]) => View = htm.bind(h)
