#!/bin/sh
# Asks a model about a picture with nothing but curl.
#   examples/curl.sh [picture] [model] [question] [stream: true or false]
# FOVEA_URL and FOVEA_API_KEY say where and who; without them the gateway of `npm start` in this checkout is asked.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
url=${FOVEA_URL:-http://127.0.0.1:8080}
key=${FOVEA_API_KEY:-$(cat "$here/../.fovea/api-key")}
picture=${1:-$here/sample.png}
model=${2:-ocr}
question=${3:-What does it say?}
stream=${4:-true}

# A JSON string may hold neither a bare quote nor a bare backslash.
text=$(printf %s "$question" | sed 's/\\/\\\\/g; s/"/\\"/g')

# The picture goes through a pipe: as an argument it would meet the limit on their size. The gateway looks at the
# bytes, so the declared type is right for JPEG, WebP and GIF, too.
{
  printf '{"model":"%s","temperature":0,"stream":%s,"messages":[{"role":"user","content":[' "$model" "$stream"
  printf '{"type":"image_url","image_url":{"url":"data:image/png;base64,'
  base64 <"$picture" | tr -d '\n'
  printf '"}},{"type":"text","text":"%s"}]}]}' "$text"
} | curl -sS -N "$url/v1/chat/completions" \
  -H "Authorization: Bearer $key" -H 'Content-Type: application/json' --data-binary @-
echo
