import { expectOwnNetworks } from './expect-matrix.ts'

expectOwnNetworks({
  batch: 'databases',
  names: [
    '@redis/client',
    'ioredis',
    'postgres',
    'pg, pooled',
    'mysql2, pooled',
    'mongodb',
    'memjs',
    'ldapts',
    'cassandra-driver',
    'basic-ftp',
    'ssh2',
    '@grpc/grpc-js',
  ],
})
