/** A file of the page as it is sent. */
export interface PageFile {
  readonly type: string
  readonly body: string | Buffer
}

/** Returns the file at a path of the page. */
export type FindFile = (path: string) => Promise<PageFile | undefined>
