/** Where the servers of the tests listen: `SERVERS` in the environment, as JSON. */
export const servers = JSON.parse(process.env.SERVERS ?? '{}')
export const host = '127.0.0.1'

/** Certificate authority of the servers that speak TLS. */
export const { ca } = servers

/** The certificate is valid for names, but the servers are at an address. */
export const anyName = () => undefined

/** Clients report here what the caller learns in another way. */
export const ignore = () => {}

/** The result of a Node-style callback. */
export const called = (run) =>
  new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value)))
  })

/** Runs tasks one after the other. */
export function turns() {
  let last = Promise.resolve()
  return async (task) => {
    const turn = last.then(task)
    last = turn.catch(ignore)
    return turn
  }
}
