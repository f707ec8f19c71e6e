/** Where an application keeps its versions. */
import { type AppConfig, type History, MemoryHistory, openSqliteHistory } from '@troupe/registry'

/**
 * Opens the history of the configuration.
 *
 * @throws TroupeError `Unavailable` when it cannot be opened.
 */
export async function openHistory({ registry: { history, historyPath, historyLimit } }: AppConfig): Promise<History> {
  return history === 'sqlite' ? openSqliteHistory(historyPath, historyLimit) : new MemoryHistory(historyLimit)
}
