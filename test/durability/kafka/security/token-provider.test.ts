import t from 'tap'
import { createTokenProvider } from '../../../../src/durability/kafka/security/token-provider.ts'

/** An issuer of numbered tokens that are valid for 100 s, and a clock. */
function setUp() {
  const state = { now: 0, asked: 0, isDown: false }
  const token = createTokenProvider(
    async () => {
      state.asked++
      if (state.isDown) throw new Error('the issuer is down')
      return { token: `token-${state.asked}`, lifetimeMs: 100_000 }
    },
    () => state.now
  )
  return { state, token }
}

t.test('one token serves all connections until 70 % of its lifetime have passed; then it is renewed', async t => {
  const { state, token } = setUp()
  t.strictSame(await Promise.all([token(), token(), token()]), ['token-1', 'token-1', 'token-1'])
  state.now = 69_999
  t.equal(await token(), 'token-1')
  state.now = 70_000
  t.strictSame(await Promise.all([token(), token()]), ['token-2', 'token-2'])
  t.equal(state.asked, 2)
})

t.test('while the issuer is down, a valid token is used, and the issuer does not get too many requests', async t => {
  const { state, token } = setUp()
  await token()
  state.isDown = true
  for (state.now = 80_000; state.now < 80_400; state.now += 10) t.equal(await token(), 'token-1')
  t.equal(state.asked, 2, 'the issuer is asked once in half a second')
  state.now = 95_000
  await t.rejects(token(), { message: 'the issuer is down' }, 'a token that is about to expire is not used')
  await t.rejects(token(), { message: 'the issuer is down' })
  t.equal(state.asked, 3)
  state.isDown = false
  state.now = 95_600
  t.equal(await token(), 'token-4')
})
