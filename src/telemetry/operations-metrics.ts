/** The metrics of the disk, the version and the configuration, a part of METRICS. */
export const OPERATIONS_METRICS = {
  diskFree: {
    kind: 'gauge',
    name: 'tributary_disk_free_bytes',
    help: 'Free bytes of the disk that DATA_DIR is on, as the server may use them.',
    labels: [],
    merge: 'min'
  },
  diskSize: {
    kind: 'gauge',
    name: 'tributary_disk_size_bytes',
    help: 'Size of the disk that DATA_DIR is on.',
    labels: [],
    merge: 'first'
  },
  buildInfo: {
    kind: 'gauge',
    name: 'tributary_build_info',
    help: 'Always 1; the label says which version runs.',
    labels: ['version'],
    merge: 'first'
  },
  configReloadSuccessful: {
    kind: 'gauge',
    name: 'tributary_config_last_reload_successful',
    help: '1 while the last edit of tributary.yml is in force; 0 while it is refused, or waits for Kafka or a plan.',
    labels: [],
    merge: 'min'
  },
  configHash: {
    kind: 'gauge',
    name: 'tributary_config_hash_info',
    help: 'Always 1; the label is a digest of the tributary.yml in force: servers with one configuration have the same.',
    labels: ['hash'],
    merge: 'first'
  },
  archiveBytes: {
    kind: 'gauge',
    name: 'tributary_archive_bytes',
    help: 'Bytes of the compressed segments in ARCHIVE.',
    labels: []
  },
  archiveBehind: {
    kind: 'gauge',
    name: 'tributary_archive_behind_records',
    help: 'Records of EVENTS_TOPIC that the archive had still to read when it looked at Kafka last.',
    labels: []
  },
  archiveLost: {
    kind: 'gauge',
    name: 'tributary_archive_missed_records',
    help: 'Records that Kafka deleted before the archive read them, since the start of the server.',
    labels: []
  },
  archiveGrowing: {
    kind: 'gauge',
    name: 'tributary_archive_up',
    help: '1 if the archive could read Kafka and write its folder when it last tried; else 0, and /readyz says why.',
    labels: []
  }
} as const
