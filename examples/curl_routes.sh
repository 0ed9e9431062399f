#!/bin/sh
# What is not a chat, with nothing but curl.
#   examples/curl_routes.sh embed <model> "a text"
#   examples/curl_routes.sh transcribe commands-asr recording.wav
#   examples/curl_routes.sh complete <model> "Once upon"
# FOVEA_URL and FOVEA_API_KEY say where and who; without them the gateway of `npm start` in this checkout is asked.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
url=${FOVEA_URL:-http://127.0.0.1:8080}/v1
key=${FOVEA_API_KEY:-$(cat "$here/../.fovea/api-key")}
task=$1 model=$2 input=$3
# A JSON string may hold neither a bare quote nor a bare backslash.
text=$(printf %s "$input" | sed 's/\\/\\\\/g; s/"/\\"/g')

ask() {
  curl -sS -N -H "Authorization: Bearer $key" "$@"
}
case $task in
embed) ask "$url/embeddings" -H "Content-Type: application/json" -d "{\"model\":\"$model\",\"input\":\"$text\"}" ;;
transcribe) ask "$url/audio/transcriptions" -F "file=@$input" -F "model=$model" -F response_format=text ;;
complete) ask "$url/complete" -H "Content-Type: application/json" -d "{\"model\":\"$model\",\"prompt\":\"$text\",\"maximum_tokens\":32,\"stream\":true}" ;;
*) sed -n 's/^# \{0,1\}//; 2,5p' "$0" && exit 1 ;;
esac
echo
