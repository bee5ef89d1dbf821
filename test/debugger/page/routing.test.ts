import t from 'tap'
import { openPage, startBrowser } from '../../support/admin.ts'
import { postUntilTaken as post, startApp } from '../../support/app.ts'
import { NOISE, RULES_CONFIG, WITH_KAFKA } from '../../support/routing.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }

t.test('The page of an event has a table of all destinations: sent with the topic, or not with the rule', async t => {
  const browser = await startBrowser(t)
  const server = await startApp(t, { clock, config: RULES_CONFIG, env: WITH_KAFKA })
  await post(`${server.url}/v1/track`, NOISE)
  const { page, complaints } = await openPage(browser, server.adminUrl)
  await page.locator('.row', { hasText: 'Noise' }).click()
  const table = page.getByRole('table', { name: 'Destinations' })
  await table.waitFor()
  const rows = (await table.locator('tbody tr').allInnerTexts()).map(text => text.replaceAll(/\s+/g, ' ').trim())
  t.equal(rows.length, 10)
  t.equal(rows[0], 'Open sent open')
  t.equal(rows[1], 'Off not sent disabled the destination is disabled (enabled: false)')
  t.match(
    await page.locator('.routing p').innerText(),
    /by the destinations that were in force when the event came, and still are/
  )
  const picture = process.env['ROUTING_PICTURE']
  if (picture !== undefined) await page.screenshot({ path: picture })
  await page.goto(`${server.adminUrl}/#/trace/noise-1`)
  await page.getByRole('table', { name: 'Destinations' }).waitFor()
  t.strictSame(complaints, [], 'the page keeps to its security policy')
  await page.close()
})
