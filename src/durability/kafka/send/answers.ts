/** What follows from the error of one partition in Kafka's answer to a Produce request. */
export type Verdict =
  | { readonly kind: 'stored' }
  /** Kafka never accepts these records as they are, and no other records are the cause. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** A timestamp is too far from the broker's clock (message.timestamp.after.max.ms: 1 h). */
  | { readonly kind: 'time' }
  /** Kafka does not know the lane's sequence numbers any more: the lane starts again with another producer id. */
  | { readonly kind: 'renumber' }
  /** Not now. `leader`: another broker leads the partition, or none does. */
  | { readonly kind: 'no'; readonly words: string; readonly leader: boolean }

const no = (words: string, leader = false): Verdict => ({ kind: 'no', words, leader })
const refused = (reason: string): Verdict => ({ kind: 'refused', reason })
const noLeader = no('the partition has no leader that takes records: check the brokers', true)

export const TOO_FEW_IN_SYNC = 'fewer in-sync replicas than min.insync.replicas asks for: check the brokers'

/** The verdict for each of Kafka's error codes. Source: https://kafka.apache.org/protocol#protocol_error_codes */
const VERDICTS: Readonly<Record<number, Verdict>> = {
  0: { kind: 'stored' },
  // DUPLICATE_SEQUENCE_NUMBER: Kafka stored the batch when it was sent before.
  46: { kind: 'stored' },
  // MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_RECORD
  10: refused('larger than the topic takes (max.message.bytes)'),
  18: refused('larger than a segment of the topic (segment.bytes)'),
  87: refused('the broker finds the record invalid (a compacted topic wants a key)'),
  // INVALID_TIMESTAMP
  32: { kind: 'time' },
  // OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID
  45: { kind: 'renumber' },
  47: { kind: 'renumber' },
  59: { kind: 'renumber' },
  // UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH
  3: no('the partition does not exist: was the topic deleted?', true),
  5: noLeader,
  6: noLeader,
  74: noLeader,
  75: noLeader,
  7: no('the in-sync replicas do not confirm in time: check the brokers'),
  19: no(TOO_FEW_IN_SYNC),
  20: no(TOO_FEW_IN_SYNC),
  29: no('the Kafka user may not write to it: check the ACLs of KAFKA_SASL_USERNAME'),
  31: no('the Kafka user may not write idempotently: grant it IdempotentWrite on the cluster'),
  56: no('the broker has trouble with its disk: check the broker'),
  89: no('Kafka throttles this user (quota)')
}

export function verdictOf(errorCode: number): Verdict {
  return VERDICTS[errorCode] ?? no(`Kafka answers with error ${errorCode}`)
}
