// Written by "troupe types" from the application's entries. Changes here are lost.
export {}

declare module 'troupe' {
  interface EntryKinds {
    'app:crawl': 'process.ts'
    'app:threads': 'process.host'
    'app:tor': 'network.socks5'
    'app:worker': 'process.ts'
  }
  interface FunctionEntries {}
  interface ProcessEntries {
    'app:crawl': (typeof import('./src/crawl.ts'))['main']
    'app:worker': (typeof import('./src/worker.ts'))['main']
  }
  interface ProcessMessages {
    'app:worker': (typeof import('./src/worker.ts'))['messages']
  }
  interface ProcessNames {}
}
