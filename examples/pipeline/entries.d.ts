// Written by "troupe types" from the application's entries. Changes here are lost.
export {}

declare module 'troupe' {
  interface EntryKinds {
    'app:api': 'http.router'
    'app:get_primes': 'http.endpoint'
    'app:primes': 'function.ts'
    'app:sieve': 'function.ts'
    'app:summary': 'function.ts'
    'app:web': 'http.service'
  }
  interface FunctionEntries {
    'app:primes': (typeof import('./src/primes.ts'))['primes']
    'app:sieve': (typeof import('./src/stages.ts'))['sieve']
    'app:summary': (typeof import('./src/stages.ts'))['summary']
  }
  interface ProcessEntries {}
  interface ProcessMessages {}
  interface ProcessNames {}
}
