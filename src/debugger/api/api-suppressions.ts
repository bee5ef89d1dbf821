import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isConfigError } from '../../model/config-error.ts'
import type { SuppressionStore } from '../../model/governance/suppress.ts'
import { errorAnswer } from '../query.ts'

const MAX_IDS = 1_000

/** Registers the suppression list: `GET`, `POST` to add and `DELETE` to remove, the last two with `{users: [ids]}`. */
export function registerSuppressions(app: FastifyInstance, store: SuppressionStore): void {
  app.get('/api/suppressions', async () => ({ users: store.list() }))

  const edits = { POST: store.add, DELETE: store.remove } as const
  app.route({
    method: ['POST', 'DELETE'],
    url: '/api/suppressions',
    async handler(request, reply) {
      const users = usersOf(request)
      if (users === undefined) {
        return reply
          .code(400)
          .send(errorAnswer('bad_request', `users must be a list of 1 to ${MAX_IDS} ids, none of them empty`))
      }
      try {
        const changed = await edits[request.method as keyof typeof edits](users)
        return { success: true, changed, users: store.list().length }
      } catch (error) {
        if (!isConfigError(error)) throw error
        return reply.code(409).send(errorAnswer('not_changed', error.message))
      }
    }
  })
}

function usersOf({ body }: FastifyRequest): string[] | undefined {
  const users = (body as { users?: unknown } | null | undefined)?.users
  if (!Array.isArray(users) || users.length === 0 || users.length > MAX_IDS) return undefined
  return users.every((id): id is string => typeof id === 'string' && id !== '') ? users : undefined
}
