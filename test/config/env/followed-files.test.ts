import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { followFiles } from '../../../src/config/env/followed-files.ts'
import { basic, startApp } from '../../support/app.ts'
import { until } from '../../support/until.ts'

const folder = t.testdir({})

function setUp(t: Test) {
  const folder = t.testdir({ password: 'first\n' })
  const file = join(folder, 'password')
  const logged: string[] = []
  const log = (_facts: object, message: string): void => void logged.push(message)
  const follower = followFiles({ files: { ADMIN_PASSWORD: file }, log: { info: log, error: log } })
  t.teardown(() => follower.close())
  const make = ([text = '']: readonly (string | undefined)[]): string => {
    if (text === 'unusable') throw new Error('it cannot be used')
    return text
  }
  const value = follower.follow({ variables: ['ADMIN_PASSWORD'], texts: ['first'], make })
  const replace = (text: string): void => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  return { file, logged, follower, value, replace }
}

t.test('the content of a file is used within a few seconds of its change, and the log says so', async t => {
  const { value, replace, logged } = setUp(t)
  t.equal(value(), 'first')
  replace('second\n')
  await until(() => value() === 'second', { what: 'the second value' })
  t.strictSame(logged, ['ADMIN_PASSWORD: what the files hold now is in force'])
})

t.test('if a file is unusable, empty or missing, the last good value stays, and the log says so once', async t => {
  const { value, replace, logged, file } = setUp(t)
  const isSaid = (times: number) => () => logged.filter(line => /the last good one stays/.test(line)).length === times
  replace('unusable')
  await until(isSaid(1), { what: 'the first refusal' })
  replace('  \n')
  await until(isSaid(2), { what: 'the second refusal' })
  rmSync(file)
  await until(isSaid(3), { what: 'the third refusal' })
  await sleep(2_500)
  t.equal(logged.length, 3, 'the same problem is not logged again')
  t.equal(value(), 'first')
  replace('second')
  await until(() => value() === 'second', { what: 'the second value' })
})

t.test('when it is asked, the follower checks at once', async t => {
  const { value, replace, follower } = setUp(t)
  replace('second')
  follower.check()
  await until(() => value() === 'second', { what: 'the second value', timeoutMs: 900 })
})

t.test(
  'a changed ADMIN_PASSWORD_FILE makes the new password valid and the old one invalid, and ends sessions',
  async t => {
    const file = join(folder, 'admin-password')
    writeFileSync(file, 'right horse\n')
    const { adminUrl } = await startApp(t, { env: { ADMIN_PASSWORD_FILE: file } })
    const statusWith = async (password: string): Promise<number> => {
      const authorization = basic('x').replace(/ .*/, ` ${Buffer.from(`admin:${password}`).toString('base64')}`)
      return (await fetch(`${adminUrl}/api/overview`, { headers: { authorization } })).status
    }
    const logIn = await fetch(`${adminUrl}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'password=right+horse'
    })
    const cookie = (logIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const statusOfSession = async (): Promise<number> =>
      (await fetch(`${adminUrl}/api/overview`, { headers: { cookie } })).status
    t.equal(await statusWith('right horse'), 200)
    t.equal(await statusOfSession(), 200)
    writeFileSync(file, 'left horse\n')
    await until(async () => (await statusWith('right horse')) === 401, { what: 'the old password to be refused' })
    t.equal(await statusWith('left horse'), 200)
    t.equal(await statusOfSession(), 401)
  }
)
