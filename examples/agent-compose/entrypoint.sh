#!/bin/bash
# Drops what an agent should not have, then starts it. It does not work, and would not be enough:
# the first drop takes CAP_SETPCAP, without which the second cannot drop anything, and whoever comes
# in by `docker exec` passes neither.
set -euo pipefail

if [ "${1:-}" != --dropped ]; then
    exec capsh --drop=cap_setpcap,cap_net_raw,cap_dac_override,cap_sys_chroot,cap_kill -- \
        "$0" --dropped "$@"
fi
shift

exec capsh --drop=cap_mknod,cap_audit_write,cap_setfcap --user=sandbox -- -c 'exec "$0" "$@"' "$@"
