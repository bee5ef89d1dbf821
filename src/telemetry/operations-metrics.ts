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
  }
} as const
