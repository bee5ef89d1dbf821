/** The part that the tests use: the package has no types. */
declare module 'autocannon' {
  interface Options {
    readonly url: string
    readonly method: 'POST'
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly connections: number
    /** Seconds. */
    readonly duration: number
  }
  const autocannon: (options: Options) => Promise<unknown>
  export default autocannon
}
