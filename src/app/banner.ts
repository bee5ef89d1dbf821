export interface BannerFacts {
  readonly key: string
  readonly file: string
  readonly tracking: string
  readonly admin: string
}

/**
 * What the first start prints on standard output, once: the only place where a write key is ever shown by the server.
 */
export function banner({ key, file, tracking, admin }: BannerFacts): string {
  const event = '{"userId":"user-1","event":"Signed Up","properties":{"plan":"free"}}'
  return `
Tributary is listening on ${tracking}

  Write key  ${key}   (kept in ${file}; shown only now)
  Debugger   ${admin}

Send an event:

  curl -u ${key}: -H 'content-type: application/json' ${tracking}/v1/track -d '${event}'

`
}
