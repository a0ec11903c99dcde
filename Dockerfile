# Berth in a container. Its context is made by `npm run image`: the built program with its production dependencies in
# `app`, and an empty `data`. Nothing is run or downloaded here, so any glibc base will do.
ARG BASE=debian:bookworm-slim
FROM ${BASE}

# The plain listener and the proxy serve loopback only, which nobody outside a container reaches; TLS is the way in.
ENV PATH=/opt/berth/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/var/lib/berth \
    BERTH_DATA=/var/lib/berth \
    BERTH_HTTP_LISTEN=off \
    BERTH_PROXY_LISTEN=off \
    BERTH_HTTPS_LISTEN=0.0.0.0:8443

# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8443
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["berth", "status"]
ENTRYPOINT ["berth", "up"]

COPY --chown=10001:10001 data /var/lib/berth
VOLUME /var/lib/berth
# A place for backups, when a volume is put there: a new one gets this owner.
COPY --chown=10001:10001 data /var/lib/berth-backup

# Last, as it is what changes from version to version.
COPY app /opt/berth
