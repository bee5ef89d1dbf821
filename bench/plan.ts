import type { Plan } from '../src/governance/plans/plan.ts'

const NAMES = ['Order Completed', 'Product Viewed', 'Cart Viewed', 'Coupon Applied', 'Signed Up']

/** A plan that every event of the batches fits: each property is named, with a type, some with a pattern or a bound. */
export const BENCH_PLAN: Plan = {
  id: 'bench',
  name: 'bench',
  rules: NAMES.map(event => ({
    type: 'track' as const,
    event,
    version: 1,
    schema: {
      type: 'object',
      properties: {
        properties: {
          type: 'object',
          properties: {
            orderId: { type: 'string', maxLength: 40 },
            total: { type: 'number', minimum: 0 },
            currency: { type: 'string', enum: ['EUR', 'USD', 'GBP'] },
            note: { type: ['string', 'null'] },
            items: {
              type: 'array',
              items: {
                type: 'object',
                properties: { sku: { type: 'string' }, quantity: { type: 'integer' } },
                required: ['sku']
              }
            }
          },
          required: ['orderId', 'total']
        }
      },
      required: ['properties']
    }
  })),
  common: undefined
}
