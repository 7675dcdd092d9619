#!/usr/bin/env bash
# Scenario 4: the include of a root HTTPProxy is switched to the new version, and back.
set -euo pipefail

answers() { # which versions answer 20 requests through the root
  ask -n 20 "$ENTRY/" 'host: store.example.com' "$@"
}

say 'The team declares its application. The root in namespace edge includes the HTTPProxy in namespace store.'
sluice apply -f applications.yaml
expect 'store v1' answers

say 'v2 comes up whole. Only requests with a header see it.'
release=$(sluice release store@v2 --reason 'scenario 4' -o json | field id)
until_status "$release" '"phase": "waiting_for_approval"'
expect 'store v2' answers 'x-lane: gray'
expect 'store v1' answers

say 'It is approved: everything is switched, and v1 is kept for 10 minutes. Then somebody complains.'
sluice approve "$release" --reason 'looks good'
until_status "$release" '"grayWeight": 100'
expect 'store v2' answers
sluice abort "$release" --reason 'a customer complains'
sluice watch "$release" && exit 1 || true
expect 'store v1' answers

say 'Again. This time nobody needs the whole window.'
release=$(sluice release store@v2 --reason 'mended' -o json | field id)
until_status "$release" '"phase": "waiting_for_approval"'
sluice approve "$release" --reason 'looks good'
until_status "$release" '"grayWeight": 100'
sluice promote "$release" --reason 'all is well'
sluice watch "$release"
expect 'store v2' answers
