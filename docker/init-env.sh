#!/bin/sh
# Makes docker/.env from .env.example, and each secret that is not there yet. What is there is never changed, so it can
# be run again after an upgrade; to renew a secret delete its file first.
set -eu
cd "$(dirname "$0")"

# Nobody else on this machine gets into the folder. The files in it are readable, because a container sees them with
# the owner and mode that they have here, and its user is another one.
umask 022
mkdir -p secrets
chmod 700 secrets

random() { od -An -N 24 -tx1 /dev/urandom | tr -d ' \n'; }

# make NAME VALUE
make() {
  if [ -s "secrets/$1" ]; then return; fi
  # Whole or not at all, also when the disk is full.
  printf '%s\n' "$2" >"secrets/.$1.new"
  mv "secrets/.$1.new" "secrets/$1"
  echo "made docker/secrets/$1"
}

make redis-password "$(random)"
make redis-url "redis://:$(cat secrets/redis-password)@redis:6379"
make gateway-api-keys "default:$(random)"
make gateway-admin-keys "admin:$(random)"
make shim-api-key "$(random)"
make vllm-api-key "$(random)"
make s3-access-key-id "fovea"
make s3-secret-access-key "$(random)"
make grafana-admin-password "$(random)"

if [ ! -e .env ]; then
  # It may come to hold a token.
  (umask 077 && cp .env.example .env)
  echo "made docker/.env"
fi
