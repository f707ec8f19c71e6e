/** The cells that text takes on a terminal: East Asian characters and emoji take two, marks none. */

/** Ranges of East Asian Width W and F (Unicode Standard Annex 11), without the emoji among them. */
const wide: readonly (readonly [first: number, last: number])[] = [
  [0x11_00, 0x11_5f],
  [0x2e_80, 0x30_3e],
  [0x30_41, 0x32_47],
  [0x32_50, 0xa4_c6],
  [0xa9_60, 0xa9_7c],
  [0xac_00, 0xd7_a3],
  [0xf9_00, 0xfa_ff],
  [0xfe_10, 0xfe_19],
  [0xfe_30, 0xfe_6b],
  [0xff_01, 0xff_60],
  [0xff_e0, 0xff_e6],
  [0x1_6f_e0, 0x1_b2_fb],
  [0x1_f2_00, 0x1_f2_65],
  [0x2_00_00, 0x3_ff_fd],
]
const emoji = /\p{Emoji_Presentation}|\ufe0f/u
const invisible = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]*$/u
const printable = /^[\x20-\x7e]*$/
/** Made when it is first needed: this takes 10 ms. */
let segmenter: Intl.Segmenter | undefined

/** Number of cells. */
export function textWidth(text: string): number {
  if (printable.test(text)) return text.length
  let width = 0
  for (const { segment } of charactersIn(text)) width += widthOf(segment)
  return width
}

/** The beginning of a text, which takes no more than a number of cells. */
export function cutTo(text: string, cells: number): string {
  if (printable.test(text)) return text.slice(0, Math.max(0, cells))
  let width = 0
  let end = 0
  for (const { segment, index } of charactersIn(text)) {
    width += widthOf(segment)
    if (width > cells) break
    end = index + segment.length
  }
  return text.slice(0, end)
}

/** A text with spaces up to a number of cells. */
export function padTo(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - textWidth(text)))
}

/** A text in exactly that number of cells. */
export function fitTo(text: string, cells: number): string {
  return padTo(cutTo(text, cells), cells)
}

function charactersIn(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

function widthOf(character: string): number {
  if (invisible.test(character)) return 0
  if (emoji.test(character)) return 2
  const code = character.codePointAt(0) ?? 0
  return wide.some(([first, last]) => code >= first && code <= last) ? 2 : 1
}
