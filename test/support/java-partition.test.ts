import t from 'tap'
import { javaPartition, murmur2 } from './java-partition.ts'

t.test("the murmur2 of the tests gives the values of Apache Kafka's own tests", async t => {
  const vectors: Record<string, number> = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107
  }
  for (const [text, hash] of Object.entries(vectors)) t.equal(murmur2(Buffer.from(text)), hash, text)
})

t.test('a negative hash still gives an existing partition', async t => {
  t.equal(javaPartition('21', 6), (-973932308 & 0x7fffffff) % 6)
})
