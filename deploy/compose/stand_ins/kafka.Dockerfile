# Stands in for apache/kafka: /opt/kafka with bin and libs, user appuser (1000), KAFKA_HEAP_OPTS and KAFKA_OPTS.
ARG BASE
FROM ${BASE}
RUN useradd --uid 1000 --home-dir /home/appuser --create-home appuser \
 && mkdir -p /opt/kafka/config /var/lib/kafka/data /etc/kafka/secrets /mnt/shared/config /opt/java \
 && chown -R appuser:appuser /opt/kafka /var/lib/kafka /etc/kafka/secrets
COPY java/ /opt/java/openjdk/
COPY libs/ /opt/kafka/libs/
COPY bin/ /opt/kafka/bin/
ENV PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin JAVA_HOME=/opt/java/openjdk
VOLUME ["/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"]
USER appuser
EXPOSE 9092
CMD ["/opt/kafka/bin/kafka-server-start.sh", "/mnt/shared/config/server.properties"]
