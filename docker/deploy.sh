#!/bin/sh
# Puts work pool, deployments and automation into the Prefect server; run again, it changes nothing.
set -eu
cd "${FORMDIGITS_HOME:?the folder of prefect.yaml}"

prefect --no-prompt work-pool create "${FORMDIGITS_POOL:?the work pool}" --type process --overwrite
prefect --no-prompt deploy --all

automation=crash-killed-runs
if ! prefect automation inspect "$automation" >/dev/null 2>&1; then
    prefect automation create --from-file "flows/automations/$automation.yaml"
fi
