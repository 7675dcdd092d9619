# What the scripts of examples/ have in common, beside `sluice`, `ask` and `pods`.

expect() { # expect WANTED COMMAND...
  local got
  got=$("${@:2}")
  echo "  ${*:2}: $got"
  [[ $got == "$1" ]] || { echo "expected: $1" >&2; exit 1; }
}
field() { # the first field of that name in JSON
  sed -n "0,/\"$1\"/s/.*\"$1\": \"\([^\"]*\)\".*/\1/p"
}
refused() { # refused COMMAND...: the API has to refuse it
  local code=0
  "$@" || code=$?
  [[ $code == 5 ]] || { echo "expected to be refused: $*" >&2; exit 1; }
}
until_status() { # until_status RELEASE TEXT: waits until the release's JSON has that text
  for _ in {1..120}; do
    [[ $(sluice status "$1" -o json) == *"$2"* ]] && return
    sleep 0.2
  done
  echo "release $1 has no $2 after a while" >&2
  exit 1
}
say() { printf '\n%s\n' "$*"; }
