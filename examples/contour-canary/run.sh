#!/usr/bin/env bash
# Scenario 4: the weights of a child HTTPProxy move step by step, and go back in one write.
set -euo pipefail

answers() { # which versions answer 60 requests through the root
  ask -n 60 "$ENTRY/" 'host: www.example.com'
}

say 'The team declares its application. The root in namespace edge sends everything to the child in namespace shop.'
sluice apply -f applications.yaml
expect 'shop v1' answers

say 'v2 gets 5 %, and somebody sets 50 %. Then it is aborted: the weights go back in one write.'
release=$(sluice release shop@v2 --reason 'scenario 4' -o json | field id)
until_status "$release" '"grayWeight": 5'
sluice weight "$release" 50 --reason 'nobody complains'
until_status "$release" '"grayWeight": 50'
expect 'shop v1, shop v2' answers
sluice abort "$release" --reason 'a customer complains'
sluice watch "$release" && exit 1 || true
expect 'shop v1' answers

say 'Again. At 5 % somebody is in a hurry and promotes.'
release=$(sluice release shop@v2 --reason 'mended' -o json | field id)
until_status "$release" '"grayWeight": 5'
sluice promote "$release" --reason 'it was no fault of ours'
sluice watch "$release"
expect 'shop v2' answers

say 'And back to v1, after the end.'
sluice rollback shop --reason 'after all' --wait
expect 'shop v1' answers
