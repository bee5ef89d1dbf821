import { METHODS } from 'node:http'
import type { HostileCase } from './case.ts'
import { EVENT, request } from './case.ts'

const NOT_THERE: readonly string[] = [
  '/',
  '//',
  '/v1',
  '/v1/',
  '/v2/track',
  '/v1/v1/v1/track',
  '/track/track',
  '/v1/TRACK',
  '/v1/track.json',
  '/v1/track;jsessionid=1',
  '/v1/track%00',
  '/v1/track%20',
  '/v1/./track/..',
  '/v1/../admin',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%2f..%2fetc/passwd',
  '/..\\..\\windows',
  '/.env',
  '/.git/config',
  '/wp-login.php',
  '/metrics',
  '/livez',
  '/readyz',
  '/api/events',
  '/debug/pprof',
  '/actuator/env',
  '/server-status',
  '/tributary.yml',
  '/constructor',
  '/__proto__',
  '/v1/__proto__',
  '/*',
  '/v1/*',
  '/v1/:type',
  '/pixel',
  '/projects//settings',
  '/%f0%9f%98%80',
  `/${'a'.repeat(10_000)}`,
  `/${'a/'.repeat(5_000)}`,
  `/${'../'.repeat(3_000)}`,
  `/v1/${'%2f'.repeat(3_000)}`
]

const BAD_URLS: readonly string[] = [
  '/%',
  '/%zz',
  '/v1/track%',
  '/v1/%c0%ae',
  '/%ff',
  '/v1/projects/%/settings',
  '/\xff\xfe'
]

const GOOD: readonly string[] = [
  '/v1/track?',
  '/v1/track??',
  '/v1/track#',
  '/v1/track#/v1/batch',
  '/v1/track/',
  '//v1//track//',
  '/v1/%74rack',
  '/v1/track?a=%',
  '/v1/track?__proto__=x&constructor=y',
  `/v1/track?${'a=b&'.repeat(2_000)}`,
  `/v1/track?x=${'a'.repeat(10_000)}`
]

const PIXELS: readonly string[] = [
  '/v1/pixel/track',
  '/v1/pixel/track?data=',
  '/v1/pixel/track?data=!!!',
  `/v1/pixel/track?data=${'A'.repeat(15_000)}`,
  '/v1/pixel/track?data=e30&data=e30',
  '/v1/pixel/__proto__',
  '/v1/pixel/track?__proto__.polluted=1&constructor.prototype.polluted=1',
  `/v1/pixel/track?${'a.'.repeat(7_000)}=1`,
  `/v1/pixel/track?${'a.b=1&a=2&'.repeat(1_000)}`,
  '/v1/pixel/track?writeKey=wk_test&userId=u&event=e',
  '/v1/pixel/track?writeKey=nobody&userId=u&event=e',
  `/v1/pixel/${'x'.repeat(10_000)}`
]

const SETTINGS: readonly (readonly [path: string, status: number])[] = [
  ['/v1/projects/nobody/settings', 404],
  ['/v1/projects/__proto__/settings', 404],
  ['/v1/projects/%00/settings', 404],
  ['/v1/projects/..%2f..%2fetc%2fpasswd/settings', 404],
  [`/v1/projects/${'k'.repeat(10_000)}/settings`, 404],
  ['/analytics.js/v1/..%2f/analytics.min.js', 404],
  ['/analytics.js/v1/nobody/analytics.min.js.map', 404]
]

const LONG: readonly (readonly [what: string, path: string, status: number])[] = [
  ['a URL of 17 KB', `/v1/track?x=${'a'.repeat(17_000)}`, 414],
  ['a path of 17 KB', `/${'a'.repeat(17_000)}`, 414],
  ['a URL of 40 KB', `/v1/track?x=${'a'.repeat(40_000)}`, 431]
]

/** Methods that Node does not parse as an ordinary request, and the right method. */
const NOT_ASKED = new Set(['CONNECT', 'POST', 'HEAD', 'OPTIONS', 'SOURCE'])

export const pathCases: readonly HostileCase[] = [
  ...NOT_THERE.map((path): HostileCase => ({
    what: `path ${path.slice(0, 40)}`,
    path,
    steps: [request({ path })],
    gives: [404],
    code: 'not_found'
  })),
  ...BAD_URLS.map((path): HostileCase => ({
    what: `path ${path}`,
    path: '/',
    steps: [request({ path })],
    gives: [400],
    code: 'bad_request'
  })),
  ...GOOD.map((path): HostileCase => ({ what: `path ${path.slice(0, 40)}`, steps: [request({ path })], gives: [200] })),
  ...PIXELS.map((path): HostileCase => ({
    what: `pixel ${path.slice(0, 60)}`,
    method: 'GET',
    path: '/v1/pixel/track',
    steps: [request({ method: 'GET', path, framing: '', body: '', head: '' })],
    gives: [200]
  })),
  ...SETTINGS.map(([path, status]): HostileCase => ({
    what: `settings ${path.slice(0, 60)}`,
    method: 'GET',
    path,
    steps: [request({ method: 'GET', path, framing: '', body: '', head: '' })],
    gives: [status]
  })),
  ...LONG.map(([what, path, status]): HostileCase => ({ what, steps: [request({ path })], gives: [status] })),
  ...METHODS.filter(method => !NOT_ASKED.has(method)).map((method): HostileCase => ({
    what: `method ${method}`,
    method,
    steps: [request({ method })],
    gives: [405],
    code: 'method_not_allowed'
  })),
  { what: 'method HEAD', method: 'HEAD', steps: [request({ method: 'HEAD', body: '', framing: '' })], gives: [405] },
  { what: 'method OPTIONS', method: 'OPTIONS', steps: [request({ method: 'OPTIONS' })], gives: [204] },
  {
    what: 'OPTIONS *',
    method: 'OPTIONS',
    path: '/',
    steps: [request({ method: 'OPTIONS', path: '*' })],
    gives: [[204, 404]]
  },
  ...['post', 'Post', 'POSTS', 'P\x00ST', 'FOO', 'x'.repeat(1_000)].map((method): HostileCase => ({
    what: `method ${JSON.stringify(method.slice(0, 20))}`,
    steps: [request({ method })],
    gives: [400],
    code: 'bad_request'
  })),
  {
    what: 'GET with a body of an event',
    method: 'GET',
    steps: [request({ method: 'GET', body: EVENT })],
    gives: [405]
  },
  {
    what: 'a preflight of a thousand headers',
    method: 'OPTIONS',
    steps: [
      request({
        method: 'OPTIONS',
        head: `origin: https://evil.example\r\naccess-control-request-method: POST\r\naccess-control-request-headers: ${'x,'.repeat(1_000)}y\r\n`,
        framing: '',
        body: ''
      })
    ],
    gives: [204]
  }
]
