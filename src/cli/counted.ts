export { counted } from '../model/operations/counted.ts'
