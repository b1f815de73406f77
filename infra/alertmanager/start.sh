#!/bin/sh
# Puts the configuration of Alertmanager together from what .env names, then becomes it. Secrets go into files of their own
# below /tmp (memory, this user's alone), so that neither the configuration nor a process list shows them.
set -eu
umask 077
here=${ALERTMANAGER_PARTS:-/etc/alertmanager}
made=${ALERTMANAGER_MADE:-/tmp}

stop() {
  echo "alertmanager: $1" >&2
  exit 2
}

# Take what is not a secret into a part; what would not stay one word there is refused.
filled() {
  text=$(cat "$here/$1")
  shift
  for name in "$@"; do
    value=$(printenv "$name" || true)
    case $value in
      '') stop "$name is missing: set it in .env, as .env.example shows" ;;
      *[!A-Za-z0-9@._:,+=-]*) stop "$name may have letters, digits and @ . _ : , + = - in it alone: correct it in .env" ;;
    esac
    text=$(printf '%s\n' "$text" | sed "s|@$name@|$value|g")
  done
  printf '%s\n' "$text" | sed "s|/tmp/|$made/|g"
}

cp "$here/alertmanager.yml" "$made/alertmanager.yml"
channels=0
if [ -n "${TELEGRAM_BOT_TOKEN:-}" ]; then
  printf '%s' "$TELEGRAM_BOT_TOKEN" >"$made/telegram_token"
  filled telegram.yml TELEGRAM_CHAT_ID >"$made/part"
  cat "$made/part" >>"$made/alertmanager.yml"
  channels=1
fi
if [ -n "${SMTP_SMARTHOST:-}" ]; then
  [ -n "${SMTP_PASSWORD:-}" ] || stop "SMTP_PASSWORD is missing: set it in .env, as .env.example shows"
  printf '%s' "$SMTP_PASSWORD" >"$made/smtp_password"
  filled email.yml SMTP_TO SMTP_FROM SMTP_SMARTHOST SMTP_USERNAME >"$made/part"
  cat "$made/part" >>"$made/alertmanager.yml"
  channels=1
fi
[ "$channels" -eq 1 ] ||
  echo "alertmanager: nobody is told: set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, or SMTP_*, in .env" >&2
unset TELEGRAM_BOT_TOKEN SMTP_PASSWORD
exec ${ALERTMANAGER_PROGRAM:-/bin/alertmanager} --config.file="$made/alertmanager.yml" \
  --storage.path="${ALERTMANAGER_STORE:-/alertmanager}" --cluster.listen-address=
