#!/bin/bash
# Starts one of Kafka's classes with the options that the public image's scripts take.
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseG1GC} ${KAFKA_OPTS-} \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
    -Dlog4j2.level=WARN -cp "/opt/kafka/libs/*" "$@"
