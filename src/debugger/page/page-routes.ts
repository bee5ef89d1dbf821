import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { isSameSite } from '../access/access.ts'
import { vendorFiles } from './page-files.ts'
import { errorAnswer } from '../query.ts'

const PAGE_DIR = join(import.meta.dirname, 'assets')
const LOGIN_PAGE = readFileSync(join(PAGE_DIR, 'login.html'), 'utf8')
const MAX_FORM_BYTES = 4 * 1024
/** Scripts and styles may be cached but are revalidated each time, so that an updated server never gets an old page. */
const REVALIDATE = 'no-cache'

/** Registers the debugger's page, its login form and their files. The files contain no data and need no password. */
export async function registerPage(app: FastifyInstance, access: Access): Promise<void> {
  await app.register(fastifyStatic, {
    root: PAGE_DIR,
    prefix: '/assets/',
    index: false,
    cacheControl: false,
    setHeaders: reply => void reply.header('cache-control', REVALIDATE)
  })
  for (const [name, { type, body }] of vendorFiles()) {
    app.get(`/assets/vendor/${name}`, async (_request, reply) =>
      reply.type(type).header('cache-control', REVALIDATE).send(body)
    )
  }

  app.get('/', async (request, reply) => {
    switch (access.page(request)) {
      case 'yes':
        return reply.header('cache-control', 'no-store').sendFile('index.html')
      case 'login':
        return reply.redirect('/login')
      case 'rebound':
        return refuse(reply, 'host_not_allowed', 'Open the debugger by the name localhost, or set ADMIN_PASSWORD.')
      default:
        return refuse(reply, 'debugger_off', 'The debugger is off: set ADMIN_PASSWORD to open it.')
    }
  })
  app.get('/favicon.ico', async (_request, reply) => reply.redirect('/assets/favicon.svg'))
  registerLogin(app, access)
}

function registerLogin(app: FastifyInstance, access: Access): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body))))
  )
  app.get('/login', async (request, reply) => {
    if (access.page(request) === 'yes' || access.mode !== 'password') return reply.redirect('/')
    return showLogin(reply, 200, '')
  })
  app.post('/login', async (request, reply) => {
    if (!isSameSite(request)) return refuse(reply, 'cross_site', 'This is a form of another site.')
    if (access.mode !== 'password') return reply.redirect('/', 303)
    const given = (request.body as { password?: unknown } | null)?.password
    const result = access.logIn(request, reply, typeof given === 'string' ? given : '')
    if (result.ok) return reply.redirect('/', 303)
    if (result.wait === 0) return showLogin(reply, 401, 'That is not the password.')
    reply.header('retry-after', String(result.wait))
    return showLogin(reply, 429, `Too many wrong passwords. Try again in ${result.wait} s.`)
  })
  app.post('/logout', async (request: FastifyRequest, reply: FastifyReply) => {
    if (!isSameSite(request)) return refuse(reply, 'cross_site', 'This is a form of another site.')
    access.logOut(request, reply)
    return reply.redirect('/login', 303)
  })
}

function showLogin(reply: FastifyReply, status: number, words: string): FastifyReply {
  const page = LOGIN_PAGE.replace('<!-- message -->', words === '' ? '' : `<p class="wrong" role="alert">${words}</p>`)
  return reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page)
}

function refuse(reply: FastifyReply, code: string, message: string): FastifyReply {
  return reply.code(403).send(errorAnswer(code, message))
}
