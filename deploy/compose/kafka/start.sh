#!/bin/sh
# Starts one broker that is a controller too. The image's own start script knows no SCRAM user at formatting, so the
# configuration is written here, from a secret in a file, to a folder in memory; nothing of it is in the environment.
#
# Environment: KAFKA_NODE (its number, its host is kafka-NUMBER), KAFKA_VOTERS (all of them, number@host:port).
set -eu
umask 077

say() { printf 'kafka: %s\n' "$1" >&2; }

password=$(cat /run/secrets/kafka-admin 2>/dev/null) || { say 'the secret kafka-admin is missing: run ./gemba compose init'; exit 1; }
[ ${#password} -ge 16 ] || { say 'the secret kafka-admin has fewer than 16 characters: delete it and run ./gemba compose init'; exit 1; }

brokers=$(printf '%s' "$KAFKA_VOTERS" | tr ',' '\n' | grep -c @)
if [ "$brokers" -ge 3 ]; then replicas=3 in_sync=2 session=9000 heartbeat=2000; else replicas=1 in_sync=1 session=1500 heartbeat=300; fi

configuration=/tmp/server.properties
cat > "$configuration" <<END
process.roles=broker,controller
node.id=$KAFKA_NODE
controller.quorum.voters=$KAFKA_VOTERS
listeners=CLIENT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093
advertised.listeners=CLIENT://kafka-$KAFKA_NODE:9092
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
sasl.enabled.mechanisms=SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="$password";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="$password" user_admin="$password";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
log.dirs=/var/lib/kafka/data/log
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.threads=1
log.retention.hours=-1
log.retention.bytes=-1
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=$session
broker.heartbeat.interval.ms=$heartbeat
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
END

if [ ! -f /var/lib/kafka/data/log/meta.properties ]; then
    # One broker alone gets an id of its own each time: a log that was lost must not be taken for the one it replaces.
    # Several must agree on one, which `./gemba compose init` writes and a new log replaces.
    if [ "$replicas" = 3 ]; then id=$(cat /run/secrets/kafka-cluster-id); else id=$(/opt/kafka/bin/kafka-storage.sh random-uuid | tail -n 1); fi
    rm -rf /var/lib/kafka/data/log
    say "formatting a new log, $id"
    /opt/kafka/bin/kafka-storage.sh format -t "$id" -c "$configuration" --add-scram "SCRAM-SHA-256=[name=admin,password=$password]" >/dev/null
fi
exec /opt/kafka/bin/kafka-server-start.sh "$configuration"
