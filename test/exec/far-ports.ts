/** Where the servers of the far side listen: ports that other programs of a machine seldom have. */
export const plainPort = 28_080
export const securePort = 28_443
export const linePort = 27_001
export const socketPort = 27_002
