/** The token of this tab. It is in no URL, no cookie and no file: only in the storage of the tab's session. */
const key = 'token'

/** Takes the token out of the address, if it is there, and returns the one of this tab. */
export function takeToken(): string | undefined {
  const [, given] = /[#&]token=([^&]+)/.exec(location.hash) ?? []
  if (given !== undefined) {
    history.replaceState(null, '', location.pathname)
    keepToken(decodeURIComponent(given))
  }
  return sessionStorage.getItem(key) ?? undefined
}

/** An address with another token that is pasted into the tab takes effect at once. */
addEventListener('hashchange', () => {
  if (/[#&]token=/.test(location.hash)) location.reload()
})

export function keepToken(token: string): void {
  sessionStorage.setItem(key, token)
}

export function forgetToken(): void {
  sessionStorage.removeItem(key)
}
