#!/bin/sh
# With oauthSettings, @segment/analytics-node gives a batch up at the first 401 of the tracking API: it does not ask for a new
# token and send again. And its first assertion has whole seconds, those behind an answer of the token endpoint have fractions,
# which RFC 7519 allows and not all issuers expect.
# @segment/analytics-node 3.1.0, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @segment/analytics-node@3.1.0
measure <<'PROGRAM'
import { generateKeyPairSync } from 'node:crypto'
import { Analytics } from '@segment/analytics-node'
import { record } from './recorder.mjs'

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})

/** One event; `tokens` and `batches` are the statuses of the first answers. */
async function send(tokens, batches) {
  const seen = []
  const server = await record(async ({ url, body }, response) => {
    const isToken = url === '/token'
    const status = (isToken ? tokens : batches).shift() ?? 200
    const claims = isToken && JSON.parse(Buffer.from(new URLSearchParams(body).get('client_assertion').split('.')[1], 'base64url'))
    seen.push(isToken ? `token (iat is ${Number.isInteger(claims.iat) ? 'whole' : 'a fraction'}) ${status}` : `batch ${status}`)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: 'token', token_type: 'Bearer', expires_in: 3600 }))
    return true
  })
  const oauthSettings = { clientId: 'id', clientKey: privateKey, keyId: 'key', authServer: server.url }
  const analytics = new Analytics({ writeKey: 'key', host: server.url, oauthSettings })
  analytics.on('error', error => seen.push(error.code))
  analytics.track({ userId: 'u', event: 'E' })
  await analytics.closeAndFlush({ timeout: 20_000 })
  server.close()
  return seen.join(', ')
}

console.log('the token expired early:', await send([], [401]))
console.log('the token endpoint was away:', await send([500], []))
process.exit()
PROGRAM
expect <<'SEEN'
the token expired early: token (iat is whole) 200, batch 401, delivery_failure
the token endpoint was away: token (iat is whole) 500, token (iat is a fraction) 200, batch 200
SEEN
