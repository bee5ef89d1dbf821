/** How an archive of Kafka stands now. */
export interface ArchiveLevels {
  /** Of the segments. */
  readonly bytes: number
  /** Records of Kafka that were still to be read at the last look. */
  readonly behind: number
  /** Records that Kafka deleted before they were read, since the start. */
  readonly lost: number
  /** Whether the last try to read from Kafka and to write worked. */
  readonly growing: boolean
}
