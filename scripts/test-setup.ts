/** Loaded before each test file: what is waited for has an event, and time enough for a busy machine. */
import { vi } from 'vitest'

/** The default of Vitest is one second. */
const timeout = 60_000
const { waitFor, waitUntil } = vi

vi.waitFor = async (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout, ...options })
vi.waitUntil = async (callback, options) =>
  waitUntil(callback, typeof options === 'number' ? options : { timeout, ...options })
