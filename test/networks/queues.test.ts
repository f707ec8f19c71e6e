import { expectOwnNetworks } from './expect-matrix.ts'

expectOwnNetworks({
  batch: 'queues',
  names: [
    'ethers, batched',
    '@apollo/client',
    'graphql-request',
    'telegraf',
    '@discordjs/rest',
    '@influxdata/influxdb-client',
    '@elastic/elasticsearch',
    'bottleneck',
    'p-queue',
    'dataloader',
    'a queue of one’s own',
  ],
})
